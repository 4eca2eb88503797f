import Testing

@testable import shmctl

/// What a person sees.
///
/// The terminal itself turns each line feed into CR LF.
@Suite struct TerminalTests {
    @Test func valueIsEscapedAndEndsInALineFeed() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "a\u{1B}[2Jb\tc\nd")
            #expect(try shown(daemon, "get default k") == "a\\x1b[2Jb\tc\r\nd\r\n")
            try daemon.shmctlSucceeds("set", "default", "k", "line\n")
            #expect(try shown(daemon, "get default k") == "line\r\n")
            try daemon.shmctlSucceeds("set", "default", "k", "")
            #expect(try shown(daemon, "get default k") == "\r\n")
        }
    }

    @Test func keysAreEscaped() throws {
        try RunningDaemon.use { daemon in
            for key in ["a\nb", "c\\d", "e\u{1B}"] { try daemon.shmctlSucceeds("set", "default", key, "v") }
            #expect(try shown(daemon, "keys default") == "a\\nb\r\nc\\\\d\r\ne\\x1b\r\n")
        }
    }

    @Test func setDoesntWaitForAPersonUnasked() throws {
        let outcome = try run("set default k", ["SHAREDMEM_SOCKET": "/nonexistent"])
        #expect(outcome.text == "shmctl: a VALUE is needed, or '-' to type one; see 'shmctl set --help'\r\n")
        #expect(outcome.status == 64)
    }

    @Test func progressIsShownAndErased() throws {
        try RunningDaemon.use { daemon in
            _ = try daemon.shell(#"mkdir "$T/in" && printf abc > "$T/in/a" && printf d > "$T/in/b""#)
            let imported = try shown(daemon, "import default \(daemon.folder.path("in"))")
            // The first file shows a line; the others only once some time has passed.
            #expect(imported.hasPrefix("\r1 file, 0.0 MB, 0.0 MB/s\u{1B}[K"))
            #expect(imported.contains("\r\u{1B}[Kshmctl: imported 2 files, 0.0 MB, "))
        }
    }

    /// Runs shmctl on a terminal, expects that it succeeds, and answers with what the terminal showed.
    private func shown(_ daemon: RunningDaemon, _ arguments: String) throws -> String {
        let outcome = try run(arguments, ["SHAREDMEM_SOCKET": daemon.socketPath])
        #expect(outcome.status == 0)
        return outcome.text
    }

    /// Runs shmctl on a pseudo-terminal, which `script(1)` makes.
    private func run(_ arguments: String, _ environment: [String: String]) throws -> BuiltProgram.Outcome {
        let command = "exec '\(try BuiltProgram("shmctl").path)' \(arguments)"
        return try BuiltProgram(system: "/usr/bin/script").run(
            ["-qec", command, "/dev/null"], environment: environment)
    }
}
