import Testing

@testable import shmctl

/// Transactions from standard input, against a daemon of their own.
@Suite struct TransactionCommandTests {
    @Test func allOperationsHappenWithOneVersion() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "old", "v")
            let outcome = try daemon.transaction(
                #"""
                # all of it
                expect old 1
                set greeting "hello world"
                add counter 5
                add counter -7
                delete old
                delete nothing
                expect new 0
                set new 42 int64
                """#)
            #expect(outcome.text == "2\n")
            #expect(outcome.words == "")
            #expect(outcome.status == 0)
            #expect(try daemon.shmctlSucceeds("get", "default", "greeting").text == "hello world")
            #expect(try daemon.shmctlSucceeds("get", "default", "counter").text == "-2")
            #expect(try daemon.shmctlSucceeds("get", "default", "new", "--json").text.contains(#""number":42,"#))
            #expect(try daemon.shmctlSucceeds("keys", "default").text == "counter\ngreeting\nnew\n")
            for key in ["greeting", "counter", "new"] {
                #expect(try daemon.shmctlSucceeds("get", "default", key, "--meta").text.hasPrefix("version  2\n"))
            }
        }
    }

    @Test func conditionThatIsntMetWritesNothing() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "a", "old")
            let differs = try daemon.transaction("set a new\nset b new\nexpect a 7\n")
            #expect(differs.words == "shmctl: the key 'a' of segment 'default' has version 1, not 7\n")
            #expect(differs.text == "")
            #expect(differs.status == 2)
            let missing = try daemon.transaction("set a new\nexpect a 1\nexpect \"b\\n\" 7\n")
            #expect(missing.words == "shmctl: segment 'default' has no key 'b\\n', and version 7 was asked for\n")
            #expect(missing.status == 2)
            let exists = try daemon.transaction(
                "{\"add\":\"n\",\"delta\":1}\n{\"expect\":\"a\",\"version\":0}\n", "--json")
            #expect(exists.words == "shmctl: segment 'default' has the key 'a' already, with version 1\n")
            #expect(exists.text == "")
            #expect(exists.status == 2)
            // Nothing is written, but the conditions count.
            #expect(try daemon.transaction("expect a 2\n").status == 2)
            #expect(try daemon.transaction("expect a 1\nexpect b 0\n").text == "1\n")
            #expect(try daemon.shmctlSucceeds("export", "default", "--format", "jsonl").text == Self.onlyA)
        }
    }

    @Test func whatCantBeDoneWritesNothing() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "a", "old")
            let large = String(repeating: "x", count: 400_000)
            let refusals: [(text: String, status: Int32, fact: String)] = [
                ("set a new\nadd a 1\n", 64, "the key 'a' of segment 'default' holds no whole number"),
                ("set n 1.5 double\nadd n 1\n", 64, "the key 'n' of segment 'default' holds no whole number"),
                ("set n 9223372036854775807\nadd n 1\n", 73, "the sum for the key 'n'"),
                ("set a new\nset b \(large)\nset c \(large)\nset d \(large)\n", 73, "full"),
                ("set a new\nset b\n", 64, "line 2: expected 'set KEY VALUE"),
                ("set a new\n\n# comment\nfrob\n", 64, "line 4: there is no operation 'frob'"),
            ]
            for refusal in refusals {
                let outcome = try daemon.transaction(refusal.text)
                #expect(outcome.status == refusal.status)
                #expect(outcome.words.contains(refusal.fact), "\(outcome.words)")
                #expect(outcome.words.split(separator: "\n").count == 1)
                #expect(outcome.text == "")
            }
            #expect(try daemon.transaction("{\"set\":\"a\",\"text\":\"new\"}\nset b c\n", "--json").status == 64)
            #expect(try daemon.transaction(String(repeating: "#", count: 9 << 20)).status == 73)
            #expect(try daemon.shmctlSucceeds("export", "default", "--format", "jsonl").text == Self.onlyA)
        }
    }

    @Test func keysAndValuesAreAnyBytes() throws {
        try RunningDaemon.use { daemon in
            let every = (UInt8.min...UInt8.max).map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(try daemon.transaction("set \"k\\xff\\n\" \"\(every)\"\n").status == 0)
            let value = Array(UInt8.min...UInt8.max)
            let lines = try daemon.shmctlSucceeds("export", "default", "--format", "jsonl").text
            let base64 = String(decoding: Base64.encoded(value), as: UTF8.self)
            #expect(lines == #"{"keyBase64":"a/8K","value":"\#(base64)"}"# + "\n")
            let json = #"{"setBase64":"a/8=","value":"\#(base64)"}"# + "\n" + #"{"deleteBase64":"a/8K"}"# + "\n"
            #expect(try daemon.transaction(json, "--json").text == #"{"segment":"default","version":2}"# + "\n")
            let copied = try daemon.shmctlSucceeds("export", "default", "--format", "jsonl").text
            #expect(copied == #"{"keyBase64":"a/8=","value":"\#(base64)"}"# + "\n")
        }
    }

    @Test func concurrentTransactionsLoseNoAddition() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "a", "0", "--expires-in", "1d")
            let script = #"""
                one='printf "add a 1\nadd b -1\nadd a 1\n" | "$SHMCTL" transaction default'
                seq 40 | xargs -P 4 -I '{}' sh -c "$one" | wc -l
                """#
            let outcome = try daemon.shell(script)
            #expect(outcome.text == "40\n")
            #expect(outcome.words == "")
            #expect(try daemon.shmctlSucceeds("get", "default", "a").text == "80")
            #expect(try daemon.shmctlSucceeds("get", "default", "b").text == "-40")
            // An addition doesn't make a value live longer; a set does.
            #expect(try daemon.shmctlSucceeds("get", "default", "a", "--meta").text.contains("Z (in 23 h 59 m)\n"))
            #expect(try daemon.transaction("set a 1\nadd a 1\n").status == 0)
            #expect(try daemon.shmctlSucceeds("get", "default", "a", "--meta").text.contains("expires  never\n"))
        }
    }

    /// What an export writes of a segment whose key `a` is as it was at first.
    private static let onlyA = #"{"key":"a","value":"b2xk"}"# + "\n"
}

extension RunningDaemon {
    /// Runs a transaction on the segment `default`.
    fileprivate func transaction(_ operations: String, _ options: String...) throws -> BuiltProgram.Outcome {
        try shmctl(["transaction", "default"] + options, input: Array(operations.utf8))
    }
}
