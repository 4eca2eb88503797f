import SharedMemDaemon
import Testing

@Suite struct ConfigurationErrorTests {
    /// A document and the whole sentence that it brings.
    static let sentences: [(String, String)] = [
        // Unknown, repeated, misplaced.
        (
            "log-level: info\ncolour: red",
            "c.yaml:2: colour is no option; expected one of socket, state-directory, log-level, memory-limit, "
                + "connections-per-user, creators, segments"
        ),
        (
            "segments:\n  web:\n    sizes: 1MiB",
            "c.yaml:3: segments.web.sizes is no option; expected one of size, entries, owner, group, mode"
        ),
        ("creators:\n  admins: [root]", "c.yaml:2: creators.admins is no option; expected one of users, groups"),
        ("log-level: info\nlog-level: info", "c.yaml:2: \"log-level\" stands twice; expected each key once"),
        (
            "segments:\n  web:\n    size: 1MiB\n    mode: 0600\n    size: 2MiB",
            "c.yaml:5: \"size\" stands twice; expected each key once"
        ),
        ("- a\n- b", "c.yaml:1: the document is a list; expected options and their values"),
        ("hello", "c.yaml:1: the document is \"hello\"; expected options and their values"),
        ("\n? [a, b]\n: 1", "c.yaml:2: (key) is a list; expected a word"),
        // Paths, levels, numbers.
        ("socket: run/s", "c.yaml:1: socket is \"run/s\"; expected an absolute path of at most 107 bytes"),
        ("socket:", "c.yaml:1: socket is empty; expected an absolute path of at most 107 bytes"),
        ("socket: [a]", "c.yaml:1: socket is a list; expected an absolute path of at most 107 bytes"),
        (
            "socket: /" + String(repeating: "a", count: 107),
            "c.yaml:1: socket is \"/" + String(repeating: "a", count: 107)
                + "\"; expected an absolute path of at most 107 bytes"
        ),
        (
            "state-directory: \"/a\\0b\"",
            "c.yaml:1: state-directory is \"/a\\x00b\"; expected an absolute path of at most 4000 bytes"
        ),
        ("log-level: loud", "c.yaml:1: log-level is \"loud\"; expected error, warning, notice, info or debug"),
        ("log-level: {a: b}", "c.yaml:1: log-level is a mapping; expected error, warning, notice, info or debug"),
        (
            "connections-per-user: 0",
            "c.yaml:1: connections-per-user is \"0\"; expected a whole number from 1 to 65536"
        ),
        (
            "connections-per-user: many",
            "c.yaml:1: connections-per-user is \"many\"; expected a whole number from 1 to 65536"
        ),
        // Sizes.
        (
            "memory-limit: 101%",
            "c.yaml:1: memory-limit is \"101%\"; expected a size from 64.0 KiB to 1.0 GiB (this machine's memory), "
                + "such as 512MiB, or 1% to 100%"
        ),
        (
            "memory-limit: 2GiB",
            "c.yaml:1: memory-limit is \"2GiB\"; expected a size from 64.0 KiB to 1.0 GiB (this machine's memory), "
                + "such as 512MiB, or 1% to 100%"
        ),
        (
            "segments:\n  web:\n    size: 0",
            "c.yaml:3: segments.web.size is \"0\"; expected a size from 64.0 KiB to 1.0 GiB (this machine's memory), "
                + "such as 16MiB"
        ),
        (
            "segments:\n  web:\n    size: 2GiB",
            "c.yaml:3: segments.web.size is \"2GiB\"; expected a size from 64.0 KiB to 1.0 GiB (this machine's "
                + "memory), such as 16MiB"
        ),
        (
            "segments:\n  web:\n    size: 1.5MiB",
            "c.yaml:3: segments.web.size is \"1.5MiB\"; expected a size from 64.0 KiB to 1.0 GiB (this machine's "
                + "memory), such as 16MiB"
        ),
        (
            "segments:\n  web:\n    mode: 0600",
            "c.yaml:2: segments.web.size is missing; expected a size such as 16MiB"
        ),
        (
            "memory-limit: 1MiB\nsegments:\n  a: {size: 512KiB}\n  b: {size: 513KiB}",
            "c.yaml:2: segments take 1.0 MiB together (1049600 bytes); expected at most the memory-limit of 1.0 MiB "
                + "(1048576 bytes)"
        ),
        // Modes, names, accounts.
        (
            "segments:\n  web:\n    size: 1MiB\n    mode: 0777",
            "c.yaml:4: segments.web.mode is \"0777\"; expected an octal mode of r and w alone, from 0000 to 0666, "
                + "such as 0660"
        ),
        (
            "segments:\n  web:\n    size: 1MiB\n    mode: rw",
            "c.yaml:4: segments.web.mode is \"rw\"; expected an octal mode of r and w alone, from 0000 to 0666, "
                + "such as 0660"
        ),
        (
            "segments:\n  .web: {size: 1MiB}",
            "c.yaml:2: segments has the name \".web\"; expected 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot"
        ),
        (
            "segments:\n  \"a\\nb\": {size: 1MiB}",
            "c.yaml:2: segments has the name \"a\\x0Ab\"; expected 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a "
                + "dot"
        ),
        ("segments: [a]", "c.yaml:1: segments is a list; expected segments by name, or {} for none"),
        ("segments:\n  a: 1MiB", "c.yaml:2: segments.a is \"1MiB\"; expected the options of a segment"),
        (
            "segments:\n  a:\n    size: 1MiB\n    owner: nobody-here",
            "c.yaml:4: segments.a.owner is \"nobody-here\"; expected the name or the number of a user that exists"
        ),
        (
            "segments:\n  a:\n    size: 1MiB\n    group: 4294967295",
            "c.yaml:4: segments.a.group is \"4294967295\"; expected the name or the number of a group that exists"
        ),
        (
            "segments:\n  a:\n    size: 1MiB\n    owner: unreachable",
            "c.yaml:4: segments.a.owner is \"unreachable\", which can't be looked up: Connection refused (ECONNREFUSED)"
        ),
        ("creators: nobody", "c.yaml:1: creators is \"nobody\"; expected \"everyone\" or lists of users and groups"),
        (
            "creators:\n  users:\n    - alice\n    - mallory",
            "c.yaml:4: creators.users[2] is \"mallory\"; expected the name or the number of a user that exists"
        ),
        ("creators:\n  groups: developers", "c.yaml:2: creators.groups is \"developers\"; expected a list of groups"),
    ]

    @Test(arguments: sentences)
    func errorNamesFileLineValueAndWhatWasExpected(text: String, sentence: String) {
        #expect {
            try Sample.read(text)
        } throws: { error in
            #expect("\(error)" == sentence)
            return error is ConfigurationError
        }
    }

    @Test func entriesThatLeaveNoRoomAreRefused() {
        #expect {
            try Sample.read("segments:\n  web: {size: 64KiB, entries: 4294967295}")
        } throws: {
            "\($0)".hasPrefix(
                "c.yaml:2: segments.web can't be made: an index for 4294967295 entries leaves no room for values: ")
        }
    }

    @Test func brokenYAMLHasItsLine() {
        for (text, line) in [("a: [1\nb: 2", 2), ("a: b: c", 1), ("log-level: info\n\tx: y", 2), ("a: \u{1}", 1)] {
            #expect {
                try Sample.read(text)
            } throws: { error in
                #expect((error as? ConfigurationError)?.line == line, "\(error)")
                return "\(error)".contains("the YAML is broken: ")
            }
        }
    }

    @Test func namedFileMustExistAndTheDefaultOneNeedNot() throws {
        let missing = ConfigurationSource(file: "/nonexistent/c.yaml")
        #expect {
            try missing.load(accounts: Sample.accounts, memory: Sample.memory)
        } throws: {
            "\($0)" == "/nonexistent/c.yaml: the configuration can't be read: No such file or directory (ENOENT)"
        }
        #expect {
            try ConfigurationSource(file: "/").load(accounts: Sample.accounts, memory: Sample.memory)
        } throws: {
            "\($0)" == "/: the configuration can't be read: Is a directory (EISDIR)"
        }
    }

    @Test func flagsWinOverTheFile() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("c.yaml", "socket: /tmp/file\nstate-directory: /tmp/file\nlog-level: error\n")
        let source = ConfigurationSource(
            file: file, socketPath: "/tmp/flag", stateDirectory: "/tmp/flags", logLevel: .debug)
        let loaded = try source.load(accounts: Sample.accounts, memory: Sample.memory)
        #expect(loaded.configuration.socketPath == "/tmp/flag")
        #expect(loaded.configuration.stateDirectory == "/tmp/flags")
        #expect(loaded.configuration.logLevel == .debug)
        #expect(loaded.origin == file)
        let plain = try ConfigurationSource(file: file).load(accounts: Sample.accounts, memory: Sample.memory)
        #expect(plain.configuration.socketPath == "/tmp/file")
        #expect(plain.configuration.logLevel == .error)
    }

    @Test func fileThatIsNotTextIsRefused() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("c.yaml", bytes: [0x61, 0x3a, 0xff, 0xfe])
        #expect {
            try ConfigurationSource(file: file).load(accounts: Sample.accounts, memory: Sample.memory)
        } throws: {
            "\($0)" == "\(file): the configuration can't be read: it isn't UTF-8 text"
        }
        let large = try folder.write("large.yaml", String(repeating: "#\n", count: 600_000))
        #expect {
            try ConfigurationSource(file: large).load(accounts: Sample.accounts, memory: Sample.memory)
        } throws: {
            "\($0)" == "\(large): the configuration can't be read: it's larger than 1.0 MiB"
        }
    }
}
