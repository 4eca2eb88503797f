import Foundation
import SharedMem
import Testing

@testable import shmctl

/// Numbers, versions and expiry on the command line, against a daemon of their own.
@Suite struct ValueCommandTests {
    @Test func addCountsUpAndDown() throws {
        try RunningDaemon.use { daemon in
            #expect(try daemon.shmctlSucceeds("add", "default", "counter").text == "1\n")
            #expect(try daemon.shmctlSucceeds("add", "default", "counter", "-5").text == "-4\n")
            #expect(try daemon.shmctlSucceeds("add", "default", "counter", "--", "-5").text == "-9\n")
            #expect(try daemon.shmctlSucceeds("add", "default", "counter", "+10").text == "1\n")
            #expect(
                try daemon.shmctlSucceeds("add", "default", "counter", "-0", "--json").text
                    == #"{"segment":"default","key":"counter","number":1}"# + "\n")
            #expect(try daemon.shmctlSucceeds("add", "--json", "default", "counter", "-1").text.contains(":0}"))
            #expect(try daemon.shmctlSucceeds("get", "default", "counter").text == "0")
            // Text that is a whole number becomes an integer.
            try daemon.shmctlSucceeds("set", "default", "text", "-41")
            #expect(try daemon.shmctlSucceeds("add", "default", "text", "-1").text == "-42\n")
            #expect(try daemon.shmctlSucceeds("get", "default", "text", "--meta").text.contains("type     int64\n"))
            #expect(try daemon.shmctlSucceeds("add", "default", "--", "-5", "-6").text == "-6\n")
            #expect(try daemon.shmctlSucceeds("get", "default", "--", "-5").text == "-6")
        }
    }

    @Test func addRefusesWhatItCantAddTo() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "word", "hello")
            try daemon.shmctlSucceeds("set", "default", "double", "1.5", "--type", "double")
            try daemon.shmctlSucceeds("set", "default", "most", "9223372036854775807", "--type", "int64")
            let word = try daemon.shmctl("add", "default", "word")
            #expect(
                word.words
                    == "shmctl: the key 'word' of segment 'default' holds no whole number (its type is text): add "
                    + "works on an int64 and on text that is one\n")
            #expect(word.status == 64)
            #expect(try daemon.shmctl("add", "default", "double").status == 64)
            let most = try daemon.shmctl("add", "default", "most")
            #expect(
                most.words == "shmctl: the sum for the key 'most' of segment 'default' doesn't fit into 64 bits\n")
            #expect(most.status == 73)
            #expect(try daemon.shmctlSucceeds("get", "default", "word").text == "hello")
            #expect(try daemon.shmctlSucceeds("get", "default", "double").text == "1.5")
            #expect(try daemon.shmctlSucceeds("get", "default", "most").text == "9223372036854775807")
        }
    }

    @Test func concurrentAdditionsAreAllCounted() throws {
        try RunningDaemon.use { daemon in
            let script =
                #"seq 40 | xargs -P 4 -n 1 "$SHMCTL" add default counter | wc -l; "$SHMCTL" get default counter"#
            let outcome = try daemon.shell(script)
            #expect(outcome.text == "40\n820")
            #expect(outcome.words == "")
        }
    }

    @Test func numbersAreStoredAsNumbersAndWrittenAsDigits() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "i", "-258", "--type", "int64")
            #expect(try daemon.shmctlSucceeds("get", "default", "i").text == "-258")
            #expect(
                try daemon.shmctlSucceeds("get", "default", "i", "--raw").output == [
                    0xFE, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                ])
            #expect(
                try daemon.shmctlSucceeds("get", "default", "i", "--json").text
                    == #"{"segment":"default","key":"i","value":"/v7///////8=","number":-258,"type":"int64","#
                    + #""version":1}"# + "\n")
            try daemon.shmctlSucceeds("set", "default", "d", "--type", "double", input: Array("-2.5e-3\n".utf8))
            #expect(try daemon.shmctlSucceeds("get", "default", "d").text == "-0.0025")
            #expect(try daemon.shmctlSucceeds("get", "default", "d", "--json").text.contains(#""number":-0.0025,"#))
            try daemon.shmctlSucceeds("set", "default", "d", "-inf", "--type", "double", "--if-version", "2")
            #expect(try daemon.shmctlSucceeds("get", "default", "d", "--json").text.contains(#""number":null,"#))
        }
    }

    @Test func valueIsTextAsAnArgumentAndBytesFromStandardInput() throws {
        try RunningDaemon.use { daemon in
            func type(_ key: String) throws -> String? {
                let lines = try daemon.shmctlSucceeds("get", "default", key, "--meta").text.split(separator: "\n")
                return lines.first { $0.hasPrefix("type ") }.map { String($0.dropFirst(9)) }
            }
            try daemon.shmctlSucceeds("set", "default", "argument", "é")
            try daemon.shmctlSucceeds("set", "default", "input", input: Array("é".utf8))
            try daemon.shmctlSucceeds("set", "default", "told", "-", "--type", "text", input: Array("é".utf8))
            try daemon.shmctlSucceeds("set", "default", "bytes", "é", "--type", "bytes")
            _ = try daemon.shell(#""$SHMCTL" set default raw "$(printf '\377')""#)
            #expect(
                try ["argument", "input", "told", "bytes", "raw"].map(type) == [
                    "text", "bytes", "text", "bytes", "bytes",
                ])
            let refused = try daemon.shmctl("set", "default", "input", "--type", "text", input: [0xFF])
            #expect(
                refused.words
                    == "shmctl: the value isn't UTF-8, which --type text expects; --type bytes takes any bytes\n")
            #expect(refused.status == 64)
            #expect(try daemon.shmctlSucceeds("get", "default", "input").text == "é")
        }
    }

    @Test func setUnderAConditionHappensOnlyIfItHolds() throws {
        try RunningDaemon.use { daemon in
            let missing = try daemon.shmctl("set", "default", "k", "v", "--if-version", "7")
            #expect(missing.words == "shmctl: segment 'default' has no key 'k', and version 7 was asked for\n")
            #expect(missing.status == 2)
            let first = try daemon.shmctlSucceeds("set", "default", "k", "first", "--if-version", "0", "--json")
            #expect(first.text == #"{"segment":"default","key":"k","version":1}"# + "\n")
            let taken = try daemon.shmctl("set", "default", "k", "v", "--if-version", "0", "--json")
            #expect(taken.words == "shmctl: segment 'default' has the key 'k' already, with version 1\n")
            #expect(taken.text == "")
            #expect(taken.status == 2)
            try daemon.shmctlSucceeds("set", "default", "k", "second", "--if-version", "1")
            let late = try daemon.shmctl("set", "default", "k", "v", "--if-version", "1")
            #expect(late.words == "shmctl: the key 'k' of segment 'default' has version 2, not 1\n")
            #expect(late.status == 2)
            #expect(try daemon.shmctlSucceeds("get", "default", "k").text == "second")
        }
    }

    @Test func deleteUnderAConditionHappensOnlyIfItHolds() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "v")
            let differs = try daemon.shmctl("delete", "default", "k", "--if-version", "2")
            #expect(differs.words == "shmctl: the key 'k' of segment 'default' has version 1, not 2\n")
            #expect(differs.status == 2)
            #expect(try daemon.shmctlSucceeds("get", "default", "k").text == "v")
            try daemon.shmctlSucceeds("delete", "default", "k", "--if-version", "1")
            #expect(try daemon.shmctl("get", "default", "k").status == 1)
            #expect(try daemon.shmctl("delete", "default", "k", "--if-version", "1").status == 2)
        }
    }

    @Test func metadataIsTextOrAnObject() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "hello")
            let lines = try daemon.shmctlSucceeds("get", "default", "k", "--meta").text.split(separator: "\n")
            #expect(
                lines.map { $0.prefix { $0 != " " } } == ["version", "written", "session", "type", "length", "expires"])
            #expect(lines.contains("version  1") && lines.contains("type     text"))
            #expect(lines.contains("length   5 bytes") && lines.contains("expires  never"))
            try daemon.shmctlSucceeds("set", "default", "k", "x", "--expires-in", "7d")
            #expect(try daemon.shmctlSucceeds("get", "default", "k", "--meta").text.contains("Z (in 6 d 23 h)\n"))
            let json = try daemon.shmctlSucceeds("get", "default", "k", "--meta", "--json").text
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: any Sendable])
            #expect(object["value"] == nil && object["text"] == nil)
            #expect(object["version"] as? Int == 2)
            #expect(object["byteCount"] as? Int == 1)
            #expect(object["type"] as? String == "text")
            #expect(try #require(object["session"] as? Int) > 0)
            #expect(try #require(object["writtenAt"] as? String).hasSuffix("Z"))
            #expect(try #require(object["expiresAt"] as? String) > #require(object["writtenAt"] as? String))
            let rest = try #require(object["expiresInMilliseconds"] as? Int)
            #expect(rest <= 7 * 86_400_000 && rest > 6 * 86_400_000)
            #expect(try daemon.shmctl("get", "default", "nothing", "--meta").status == 1)
        }
    }

    @Test func expiredValueIsGone() throws {
        try RunningDaemon.use { daemon in
            try daemon.shmctlSucceeds("set", "default", "k", "v", "--expires-in", "1ms")
            let deadline = ContinuousClock.now + .seconds(60)
            while try daemon.shmctl("get", "default", "k").status != 1 {
                try #require(ContinuousClock.now < deadline, "the value is still there")
            }
            #expect(try daemon.shmctl("get", "default", "k", "--meta").status == 1)
            try daemon.shmctlSucceeds("set", "default", "k", "v", "--if-version", "0")
            #expect(try daemon.shmctlSucceeds("get", "default", "k").text == "v")
            // An addition doesn't make a value live longer.
            try daemon.shmctlSucceeds("set", "default", "n", "1", "--expires-in", "1h")
            try daemon.shmctlSucceeds("add", "default", "n")
            #expect(try daemon.shmctlSucceeds("get", "default", "n", "--meta").text.contains("Z (in 59 m "))
        }
    }
}
