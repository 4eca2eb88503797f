import Foundation
import SharedMem
import Testing

@testable import shmctl

/// The commands against a daemon of their own.
@Suite struct CommandTests {
    @Test func valueOutlivesTheProgramThatSetIt() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "greeting", "This is a test string")
            let outcome = try daemon.shmctlSucceeds("get", "default", "greeting")
            #expect(outcome.text == "This is a test string")
            #expect(outcome.words == "")
        }
    }

    @Test func valuesAreAnyBytesFromStandardInput() throws {
        try RunningDaemon.use { daemon in
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            try daemon.shmctlSucceeds("set", "default", "bytes", "-", input: bytes)
            #expect(try daemon.shmctlSucceeds("get", "default", "bytes").output == bytes)
            try daemon.shmctlSucceeds("set", "default", "bytes", input: [0, 10, 255])
            #expect(try daemon.shmctlSucceeds("get", "default", "bytes").output == [0, 10, 255])
            try daemon.shmctlSucceeds("set", "default", "bytes", "")
            #expect(try daemon.shmctlSucceeds("get", "default", "bytes").output == [])
            try daemon.shmctlSucceeds("set", "default", "--", "-key", "-5")
            #expect(try daemon.shmctlSucceeds("get", "default", "--", "-key").text == "-5")
            try daemon.shmctlSucceeds("set", "default", "", "the empty key")
            #expect(try daemon.shmctlSucceeds("get", "default", "").text == "the empty key")
        }
    }

    @Test func keysAreAnyBytes() throws {
        try RunningDaemon.use { daemon in
            let script = #"""
                set -e
                k=$(printf 'k\377\n.'); k=${k%.}
                printf 'v' | "$SHMCTL" set default "$k"
                "$SHMCTL" get default "$k"
                "$SHMCTL" keys default -0
                "$SHMCTL" keys default --json
                "$SHMCTL" get default "$k" --json
                "$SHMCTL" delete default "$k"
                "$SHMCTL" keys default
                """#
            let outcome = try daemon.shell(script)
            let json =
                #"{"keyBase64":"a/8K"}"# + "\n"
                + #"{"segment":"default","keyBase64":"a/8K","value":"dg==","text":"v","type":"bytes","version":1}"#
            #expect(outcome.output == Array("vk".utf8) + [0xFF, 0x0A, 0] + Array((json + "\n").utf8))
            #expect(outcome.words == "")
            #expect(outcome.status == 0)
        }
    }

    @Test func keysAreListedInTheOrderOfTheirBytes() throws {
        try RunningDaemon.use { daemon in
            for key in ["b", "a/2", "", "a/1", "é"] { try daemon.shmctlSucceeds("set", "default", key, key) }
            #expect(try daemon.shmctlSucceeds("keys", "default").text == "\na/1\na/2\nb\né\n")
            #expect(try daemon.shmctlSucceeds("keys", "default", "--prefix", "a/").text == "a/1\na/2\n")
            #expect(try daemon.shmctlSucceeds("keys", "default", "--prefix", "zz").text == "")
            #expect(try daemon.shmctlSucceeds("keys", "default", "-0", "--prefix", "a").text == "a/1\0a/2\0")
            let lines = try daemon.shmctlSucceeds("export", "default", "--format", "jsonl").text
            #expect(lines.hasPrefix(#"{"key":"","value":""}"# + "\n" + #"{"key":"a/1","value":"YS8x"}"# + "\n"))
        }
    }

    @Test func segmentIsMadeShownListedAndRemoved() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("create", "docs", "--size", "2MiB", "--mode", "0640", "--entries", "1000")
            let shown = try daemon.shmctlSucceeds("show", "docs").text
            #expect(shown.contains("name         docs\n"))
            #expect(shown.contains("mode         0640\n"))
            #expect(shown.contains("your access  read-write\n"))
            let listed = try daemon.shmctlSucceeds("list").text.split(separator: "\n").map(String.init)
            #expect(listed.count == 3)
            #expect(listed.first?.split(separator: " ").map(String.init) == SegmentInfo.heads)
            #expect(listed.dropFirst().map { $0.prefix { $0 != " " } } == ["default", "docs"])
            let json = try daemon.shmctlSucceeds("show", "docs", "--json").text
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: any Sendable])
            #expect(object["name"] as? String == "docs")
            #expect(object["mode"] as? String == "0640")
            #expect(object["access"] as? String == "read-write")
            #expect(object["isConfigured"] as? Bool == false)
            #expect(try daemon.shmctlSucceeds("list", "--json").text.split(separator: "\n").count == 2)
            try daemon.shmctlSucceeds("remove", "docs")
            #expect(try daemon.shmctl("show", "docs").status == 1)
            let made = try daemon.shmctlSucceeds("create", "docs", "--size", "1MiB", "--json").text
            #expect(made.hasPrefix(#"{"name":"docs","#))
        }
    }

    @Test func deleteTakesManyKeysAndNamesThoseThatArentThere() throws {
        try RunningDaemon.use { daemon in
            for key in ["a", "b", "c"] { try daemon.shmctlSucceeds("set", "default", key, key) }
            try daemon.shmctlSucceeds("delete", "default", "a")
            let outcome = try daemon.shmctl("delete", "default", "a", "b", "x\n", "--json")
            #expect(outcome.words == "shmctl: segment 'default' has no key 'a', 'x\\n'\n")
            #expect(outcome.status == 1)
            #expect(
                outcome.text == #"{"segment":"default","key":"a","isDeleted":false}"# + "\n"
                    + #"{"segment":"default","key":"b","isDeleted":true}"# + "\n"
                    + #"{"segment":"default","key":"x\n","isDeleted":false}"# + "\n")
            #expect(try daemon.shmctlSucceeds("keys", "default").text == "c\n")
        }
    }

    @Test func missingKeyOrSegmentIs1() throws {
        try RunningDaemon.use { daemon in
            let key = try daemon.shmctl("get", "default", "nothing")
            #expect(key.words == "shmctl: segment 'default' has no key 'nothing'\n")
            #expect(key.status == 1)
            for arguments in [["get", "none", "k"], ["keys", "none"], ["remove", "none"], ["show", "none"]] {
                expectRefusal(try daemon.shmctl(arguments), 1, mentioning: "none")
            }
        }
    }

    @Test func badNameIs64() throws {
        try RunningDaemon.use { daemon in
            for name in ["", ".hidden", "a b", "a/b", "é", String(repeating: "n", count: 65)] {
                expectRefusal(try daemon.shmctl(["create", name, "--size", "1MiB"]), 64, mentioning: "")
                expectRefusal(try daemon.shmctl(["get", name, "k"]), 64, mentioning: "")
                expectRefusal(try daemon.shmctl(["remove", name]), 64, mentioning: "")
            }
        }
    }

    @Test func sizeBeyondTheMachinesMemoryIs73() throws {
        try RunningDaemon.use { daemon in
            expectRefusal(try daemon.shmctl("create", "huge", "--size", "8TiB"), 73, mentioning: "")
            expectRefusal(try daemon.shmctl("create", "default", "--size", "1MiB"), 73, mentioning: "default")
            #expect(try daemon.shmctlSucceeds("list").text.split(separator: "\n").count == 2)
        }
    }

    @Test func fullSegmentIs73AndKeepsTheOldValue() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "old")
            let value = [UInt8](repeating: 0x78, count: 600_000)
            try daemon.shmctlSucceeds("set", "default", "big", input: value)
            expectRefusal(try daemon.shmctl("set", "default", "k", input: value), 73, mentioning: "600")
            let tooLarge = try daemon.shmctl("set", "default", "k", input: [UInt8](repeating: 0, count: 2 << 20))
            expectRefusal(tooLarge, 73, mentioning: "standard input is longer than the segment's 1048576 bytes")
            #expect(try daemon.shmctlSucceeds("get", "default", "k").text == "old")
        }
    }

    @Test(.enabled(if: getuid() == 0, "only root can become another user"))
    func otherUserMayNot() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("create", "readable", "--size", "1MiB", "--mode", "0644")
            try daemon.shmctlSucceeds("set", "readable", "k", "v")
            let commands = [
                "get default k", "keys default", "show default", "remove default", "set default k v",
                "delete default k",
                "set readable k w", "add readable k", "transaction readable", "delete readable k", "remove readable",
                "import readable /usr/include",
            ]
            for command in commands {
                expectRefusal(try daemon.shell("\"$SHMCTL\" \(command)", uid: 12_345), 77, mentioning: "")
            }
            #expect(try daemon.shell("\"$SHMCTL\" get readable k", uid: 12_345).text == "v")
            let listed = try daemon.shell("\"$SHMCTL\" list", uid: 12_345).text
            #expect(!listed.contains("default"))
            #expect(listed.contains("read-only"))
        }
    }

    @Test func outputThatCantBeWrittenIs74() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "v")
            let outcome = try daemon.shell(#""$SHMCTL" get default k > /dev/full"#)
            #expect(outcome.words == "shmctl: can't write to standard output: No space left on device (ENOSPC)\n")
            #expect(outcome.status == 74)
        }
    }

    /// Expects one sentence on standard error, nothing on standard output, and `status`.
    private func expectRefusal(
        _ outcome: BuiltProgram.Outcome, _ status: Int32, mentioning fact: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.words.hasPrefix("shmctl: "), sourceLocation: sourceLocation)
        #expect(outcome.words.split(separator: "\n").count == 1, "\(outcome.words)", sourceLocation: sourceLocation)
        if !fact.isEmpty {
            #expect(outcome.words.contains(fact), sourceLocation: sourceLocation)
        }
        #expect(outcome.text == "", sourceLocation: sourceLocation)
        #expect(outcome.status == status, "\(outcome.words)", sourceLocation: sourceLocation)
    }
}
