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
        (["transaction"], "missing expected argument '<segment>'; see 'shmctl transaction --help'"),
        (["transaction", "s", "f"], "unexpected argument 'f'; see 'shmctl transaction --help'"),
        (["add", "s"], "missing expected argument '<key>'; see 'shmctl add --help'"),
        (
            ["add", "s", "-5"],
            "the value '-5' is invalid for '<key>': a KEY that begins with a dash stands after '--'; "
                + "see 'shmctl add --help'"
        ),
        (["add", "s", "k", "1", "2"], "unexpected argument '2'; see 'shmctl add --help'"),
        (["add", "s", "k", "-x"], "unknown option '-x'; see 'shmctl add --help'"),
        (
            ["add", "s", "k", "-1.5"],
            "'-1.5' is no int64, a whole number from -9223372036854775808 to 9223372036854775807"
        ),
        (["add", "s", String(repeating: "k", count: 513)], "the key has 513 bytes, and a key has at most 512"),
        (
            ["set", "s", "k", "v", "--type", "number"],
            "the value 'number' is invalid for '--type <type>'; please provide one of 'bytes', 'text', 'int64' or "
                + "'double'; see 'shmctl set --help'"
        ),
        (
            ["set", "s", "k", "v", "--type", "int64"],
            "'v' is no int64, a whole number from -9223372036854775808 to 9223372036854775807"
        ),
        (["set", "s", "k", "v", "--type", "double"], "'v' is no double, a number as in -0.5, 12 or 6.02e23"),
        (
            ["set", "s", "k", "1e309", "--type", "double"],
            "'1e309' is too large for a double, whose greatest is 1.7976931348623157e+308"
        ),
        (
            ["set", "s", "k", "v", "--if-version", "-1"],
            "the value '-1' is invalid for '--if-version <version>'; see 'shmctl set --help'"
        ),
        (
            ["set", "s", "k", "v", "--expires-in", "soon"],
            "the value 'soon' is invalid for '--expires-in <duration>': a duration is a whole number with ms, s, m, h "
                + "or d, as in 500ms, 30s, 5m, 2h or 7d; see 'shmctl set --help'"
        ),
        (
            ["set", "s", "k", "v", "--expires-in", "0s"],
            "the value '0s' is invalid for '--expires-in <duration>': a duration is above 0; see 'shmctl set --help'"
        ),
        (
            ["set", "s", "k", "v", "--expires-in", "36501d"],
            "the value '36501d' is invalid for '--expires-in <duration>': a value lives 36500d at most; one without "
                + "--expires-in never expires; see 'shmctl set --help'"
        ),
        (["get", "s", "k", "--raw", "--json"], "--raw and --json can't be used together; see 'shmctl get --help'"),
        (["get", "s", "k", "--raw", "--meta"], "--raw and --meta can't be used together; see 'shmctl get --help'"),
        (
            ["delete", "s", "k", "l", "--if-version", "1"],
            "--if-version goes with one KEY; see 'shmctl delete --help'"
        ),
        (
            ["delete", "s", "k", "--if-version", "0"],
            "--if-version is above 0: a key that isn't there can't be deleted; see 'shmctl delete --help'"
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
        ["import", "s", "/tmp"], ["export", "s", "--format", "jsonl"], ["add", "default", "k", "-1"],
        ["transaction", "default"], ["get", "default", "k", "--meta"],
        ["set", "default", "k", "-1", "--type", "int64"],
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
        #expect(ExitStatus(.versionDiffers) == .notMet)
        #expect(ExitStatus(.busy) == .notMet)
        #expect(ExitStatus(.invalidArgument) == .usage)
        #expect(ExitStatus(.keyTooLong) == .usage)
        #expect(ExitStatus(.wrongType) == .usage)
        #expect(ExitStatus(.notConnected) == .unavailable)
        #expect(ExitStatus(.versionSkew) == .unavailable)
        #expect(ExitStatus(.full) == .full)
        #expect(ExitStatus(.quota) == .full)
        #expect(ExitStatus(.exists) == .full)
        #expect(ExitStatus(.valueTooLarge) == .full)
        #expect(ExitStatus(.outOfRange) == .full)
        #expect(ExitStatus(.corrupted) == .inputOutput)
        #expect(ExitStatus(.systemCall) == .inputOutput)
        #expect(ExitStatus(.bufferTooSmall) == .inputOutput)
        #expect(ExitStatus(.notPermitted) == .notPermitted)
        #expect(ExitStatus(.readOnly) == .notPermitted)
    }
}
