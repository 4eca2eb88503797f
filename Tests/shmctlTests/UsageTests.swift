import SharedMem
import Testing

@testable import shmctl

/// Wrong command lines: no daemon is needed to refuse them.
@Suite struct UsageTests {
    @Test(arguments: [
        ([], "a command is needed; 'shmctl --help' lists them"),
        (["nope"], "there is no command 'nope'; 'shmctl --help' lists the commands"),
        (["--nope"], "unknown option '--nope'; 'shmctl --help' lists the commands"),
        (["get"], "missing expected argument '<segment>'; see 'shmctl get --help'"),
        (["get", "s"], "missing expected argument '<key>'; see 'shmctl get --help'"),
        (["get", "s", "k", "v"], "unexpected argument 'v'; see 'shmctl get --help'"),
        (["list", "--nope"], "unknown option '--nope'; see 'shmctl list --help'"),
        (["list", "--socket"], "missing value for '--socket <path>'; see 'shmctl list --help'"),
        (["create", "s"], "missing expected argument '--size <size>'; see 'shmctl create --help'"),
        (
            ["create", "s", "--size", "0"],
            "the value '0' is invalid for '--size <size>': a size is above 0; see 'shmctl create --help'"
        ),
        (
            ["create", "s", "--size", "much"],
            "the value 'much' is invalid for '--size <size>': a size is a whole number of bytes, or one with KiB, MiB, "
                + "GiB or TiB, as in 64MiB; see 'shmctl create --help'"
        ),
        (
            ["create", "s", "--size", "99999999TiB"],
            "the value '99999999TiB' is invalid for '--size <size>': no segment can be that large; "
                + "see 'shmctl create --help'"
        ),
        (
            ["create", "s", "--size", "1MiB", "--mode", "0777"],
            "the value '0777' is invalid for '--mode <mode>': a segment's mode has r and w bits only, as in 0660; "
                + "see 'shmctl create --help'"
        ),
        (["create", "s", "--size", "1MiB", "--owner", "no body"], "there is no user 'no body'"),
        (["create", "s", "--size", "1MiB", "--group", "4294967295"], "there is no group '4294967295'"),
        (["export", "s"], "a DIR is needed to export a tree; see 'shmctl export --help'"),
        (
            ["export", "s", "d", "--format", "jsonl"],
            "the format jsonl writes to standard output, not to a DIR; see 'shmctl export --help'"
        ),
        (
            ["export", "s", "d", "--format", "zip"],
            "the value 'zip' is invalid for '--format <format>'; please provide one of 'tree' and 'jsonl'; "
                + "see 'shmctl export --help'"
        ),
        (["import", "s", ""], "the folder's path is empty"),
        (["keys", "s", "-0", "--json"], "-0 and --json can't be used together; see 'shmctl keys --help'"),
        (
            ["get", "s", String(repeating: "k", count: 513)],
            "the key has 513 bytes, and a key has at most 512"
        ),
        (
            ["set", "s", String(repeating: "k", count: 513), "v"],
            "the key has 513 bytes, and a key has at most 512"
        ),
        (
            ["delete", "s", "k", String(repeating: "é", count: 257)],
            "the key has 514 bytes, and a key has at most 512"
        ),
    ])
    func wrongCommandLineIsOneSentenceAnd64(arguments: [String], sentence: String) throws {
        let outcome = try BuiltProgram("shmctl").run(arguments, environment: ["SHAREDMEM_SOCKET": "/nonexistent"])
        #expect(outcome.words == "shmctl: \(sentence)\n")
        #expect(outcome.text == "")
        #expect(outcome.status == 64)
    }

    @Test func helpAndVersionAreData() throws {
        let help = try BuiltProgram("shmctl").run(["--help"], environment: ["COLUMNS": "80"])
        #expect(help.text == HelpTests.root + "\n")
        #expect(help.words == "")
        #expect(help.status == 0)
        let version = try BuiltProgram("shmctl").run(["--version"])
        #expect(version.text == "0.1.0\n")
        #expect(version.status == 0)
    }

    @Test(arguments: [
        ["list"], ["show", "default"], ["get", "default", "k"], ["set", "default", "k", "v"],
        ["delete", "default", "k"], ["keys", "default"], ["create", "s", "--size", "1MiB"], ["remove", "s"],
        ["import", "s", "/tmp"], ["export", "s", "--format", "jsonl"],
    ])
    func noDaemonIsOneSentenceAnd69(arguments: [String]) throws {
        try TemporaryFolder.use { folder in
            let socket = folder.path("nobody")
            for arguments in [arguments + ["--socket", socket], ["--socket", socket] + arguments] {
                let outcome = try BuiltProgram("shmctl").run(arguments)
                #expect(outcome.words.hasPrefix("shmctl: "))
                #expect(outcome.words.contains(socket))
                #expect(outcome.words.split(separator: "\n").count == 1)
                #expect(outcome.text == "")
                #expect(outcome.status == 69)
            }
        }
    }

    @Test func exitStatusFollowsTheLibrarysCode() {
        #expect(ExitStatus(.noSuchSegment) == .missing)
        #expect(ExitStatus(.removed) == .missing)
        #expect(ExitStatus(.lockTimeout) == .notMet)
        #expect(ExitStatus(.invalidArgument) == .usage)
        #expect(ExitStatus(.keyTooLong) == .usage)
        #expect(ExitStatus(.notConnected) == .unavailable)
        #expect(ExitStatus(.versionSkew) == .unavailable)
        #expect(ExitStatus(.full) == .full)
        #expect(ExitStatus(.quota) == .full)
        #expect(ExitStatus(.exists) == .full)
        #expect(ExitStatus(.valueTooLarge) == .full)
        #expect(ExitStatus(.corrupted) == .inputOutput)
        #expect(ExitStatus(.systemCall) == .inputOutput)
        #expect(ExitStatus(.bufferTooSmall) == .inputOutput)
        #expect(ExitStatus(.notPermitted) == .notPermitted)
        #expect(ExitStatus(.readOnly) == .notPermitted)
    }
}
