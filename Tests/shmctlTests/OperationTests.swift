import Testing

@testable import shmctl

/// The lines of a transaction.
@Suite struct OperationTests {
    @Test func everyOperationIsReadFromWords() throws {
        let text = #"""
            # counters
            set greeting hello

              delete	old
            add counter -5
            expect greeting 12
            expect "new key" 0
            set "a b" "line\n\ttab \"quoted\" back\\slash \x00\xFf\r"
            set empty ""
            set n 42 int64
            set "" C:\dir
            """#
        let operations = try Operation.operations(in: Array(text.utf8), .words)
        #expect(
            operations == [
                .set(key: Array("greeting".utf8), try value("hello")),
                .delete(key: Array("old".utf8)),
                .add(key: Array("counter".utf8), delta: -5),
                .expect(key: Array("greeting".utf8), version: 12),
                .expect(key: Array("new key".utf8), version: 0),
                .set(
                    key: Array("a b".utf8),
                    try TypedValue(
                        Array("line\n\ttab \"quoted\" back\\slash \0".utf8) + [0xFF, 0x0D], as: .bytes)),
                .set(key: Array("empty".utf8), try value("")),
                .set(key: Array("n".utf8), TypedValue(42)),
                .set(key: [], try value("C:\\dir")),
            ])
    }

    @Test func bytesThatArentUTF8StayAsTheyAre() throws {
        let line: [UInt8] = Array("set k".utf8) + [0xFF] + Array(" \"".utf8) + [0x00, 0xFE, 0x01] + Array("\"\n".utf8)
        let bytes = try TypedValue([0x00, 0xFE, 0x01], as: .bytes)
        #expect(try Operation.operations(in: line, .words) == [.set(key: Array("k".utf8) + [0xFF], bytes)])
        #expect(try Operation.operations(in: [], .words) == [])
        #expect(try Operation.operations(in: Array("delete k\r\n".utf8), .words) == [.delete(key: [0x6B])])
    }

    @Test(arguments: [
        ("frob k", "there is no operation 'frob': expected set, delete, add or expect"),
        ("SET k v", "there is no operation 'SET': expected set, delete, add or expect"),
        (
            "set k",
            "expected 'set KEY VALUE [bytes|text|int64|double]', found 1 word behind 'set' "
                + "(words with spaces stand in double quotes)"
        ),
        ("delete", "expected 'delete KEY', found 0 words behind 'delete' (words with spaces stand in double quotes)"),
        (
            "delete a b",
            "expected 'delete KEY', found 2 words behind 'delete' (words with spaces stand in double quotes)"
        ),
        ("add k", "expected 'add KEY DELTA', found 1 word behind 'add' (words with spaces stand in double quotes)"),
        ("add k x", "'x' is no int64, a whole number from -9223372036854775808 to 9223372036854775807"),
        ("expect k -1", "'-1' is no version, a whole number, or 0: the key must not exist"),
        ("set k v number", "'number' is no type: expected bytes, text, int64 or double"),
        ("set k v int64", "'v' is no int64, a whole number from -9223372036854775808 to 9223372036854775807"),
        (#"set k "v"#, "the quote before 'v' isn't ended on the same line"),
        (#"set k "v"w"#, "a space is expected behind the quote that ends 'v'"),
        (#"set k v"w"#, #"the word 'v"w' needs double quotes around it, with \" within"#),
        ("set k v\rw", #"the word 'v\rw' needs double quotes around it, with \r within"#),
        (#"set k "\q""#, #"\q is no escape: expected \n, \r, \t, \", \\ or \xHH"#),
        (#"set k "\"#, #"a backslash at the end is no escape: expected \n, \r, \t, \", \\ or \xHH"#),
        (#"set k "\x1""#, #"\x is expected before two hexadecimal digits, as in \x0a"#),
        (#"set k "\x+1""#, #"\x is expected before two hexadecimal digits, as in \x0a"#),
        ("delete " + String(repeating: "k", count: 513), "the key has 513 bytes, and a key has at most 512"),
    ])
    func wrongWordsAreOneSentenceWithTheLine(line: String, sentence: String) {
        #expect(throws: Failure(.usage, "line 3: \(sentence); nothing was written")) {
            try Operation.operations(in: Array("# first\nset a b\n\(line)\nset c d\n".utf8), .words)
        }
    }

    @Test func everyOperationIsReadFromJSON() throws {
        let text = #"""
            {"set":"greeting","text":"hello \"\u00e9\ud83d\ude00\n\/"}

            { "value" : "AP8=" , "setBase64" : "a/8=" }
            {"set":"n","text":"42","type":"int64"}
            {"set":"t","value":"aGk=","type":"text"}
            {"delete":""}
            {"add":"counter","delta":-5}
            {"expect":"k","version":18446744073709551615}
            {"deleteBase64":"/w=="}
            """#
        #expect(
            try Operation.operations(in: Array(text.utf8), .json) == [
                .set(key: Array("greeting".utf8), try value("hello \"é😀\n/")),
                .set(key: [0x6B, 0xFF], try TypedValue([0x00, 0xFF], as: .bytes)),
                .set(key: Array("n".utf8), TypedValue(42)),
                .set(key: Array("t".utf8), try value("hi")),
                .delete(key: []),
                .add(key: Array("counter".utf8), delta: -5),
                .expect(key: Array("k".utf8), version: .max),
                .delete(key: [0xFF]),
            ])
    }

    @Test(arguments: [
        ("set k v", "an object of JSON is expected, found 'set k v'"),
        ("[]", "an object of JSON is expected, found '[]'"),
        ("{}", "a member set, delete, add or expect is expected, with the key (or setBase64, ... with its base64)"),
        (
            #"{"set":"k"}"#,
            #"a set has either text, or value in base64: expected {"set":KEY,"text":TEXT} or {"set":KEY,"value":BASE64}"#
        ),
        (#"{"set":"k","value":"hello"}"#, "'value' is expected to be base64, with its padding"),
        (#"{"set":"k","text":5}"#, "'text' is expected to be text"),
        (#"{"set":5,"text":"v"}"#, "'set' is expected to be text"),
        (#"{"set":"k","text":true}"#, "text or a number as 'text' is expected, found 'true}'"),
        (
            #"{"set":"k","text":"v","expiry":5}"#,
            #"'expiry' is no member of a set: expected {"set":KEY,"text":TEXT} or {"set":KEY,"value":BASE64}"#
        ),
        (#"{"set":"k","set":"l","text":"v"}"#, "the member 'set' comes twice"),
        (
            #"{"set":"k","delete":"l","text":"v"}"#,
            #"'delete' is no member of a set: expected {"set":KEY,"text":TEXT} or {"set":KEY,"value":BASE64}"#
        ),
        (#"{"add":"k"}"#, #"an add has a number delta: expected {"add":KEY,"delta":NUMBER}"#),
        (#"{"add":"k","delta":"5"}"#, "'delta' is expected to be a number"),
        (
            #"{"add":"k","delta":1.5}"#,
            "'1.5' is no int64, a whole number from -9223372036854775808 to 9223372036854775807"
        ),
        (#"{"expect":"k","version":-1}"#, "'-1' is no version, a whole number, or 0: the key must not exist"),
        (#"{"delete":"k"} x"#, "the end of the line behind the object is expected, found 'x'"),
        (#"{"delete":"k""#, "',' or '}' is expected, found the end of the line"),
        (#"{"delete":"k"#, "the text 'k' isn't ended"),
        (#"{"delete""#, "':' behind 'delete' is expected, found the end of the line"),
        (
            #"{"delete":"\ud800"}"#,
            "half a surrogate pair stands in text; bytes that aren't UTF-8 are written in base64"
        ),
        (
            #"{"delete":"\ud800\u0041"}"#,
            "half a surrogate pair stands in text; bytes that aren't UTF-8 are written in base64"
        ),
        (#"{"delete":"\u+041"}"#, #"\u is expected before four hexadecimal digits"#),
        (#"{"delete":"\q"}"#, #"a backslash in text is expected before one of "\/bfnrtu"#),
        ("{\"delete\":\"\t\"}", #"a control character in text is written as \u0009"#),
    ])
    func wrongJSONIsOneSentenceWithTheLine(line: String, sentence: String) {
        #expect(throws: Failure(.usage, "line 2: \(sentence); nothing was written")) {
            try Operation.operations(in: Array("{\"delete\":\"a\"}\n\(line)\n".utf8), .json)
        }
    }

    @Test func everyTruncationOfJSONIsRefused() throws {
        let line = Array(#"{"set":"k\u00e9\n","value":"AP8=","type":"bytes"}"#.utf8)
        _ = try Operation(json: line[...])
        for count in 1..<line.count {
            #expect(throws: Failure.self) { try Operation(json: line[..<count]) }
        }
    }

    @Test func noFlippedByteMakesTheReadersTrap() {
        for line in [#"{"set":"k\ud83d\ude00","value":"AP8="}"#, #"set "a\x0a" "b\n" int64"#] {
            for index in line.utf8.indices {
                for byte in UInt8.min...UInt8.max {
                    var bytes = Array(line.utf8)
                    bytes[line.utf8.distance(from: line.utf8.startIndex, to: index)] = byte
                    _ = Result { try Operation(json: bytes[...]) }
                    _ = Result { try Operation(words: bytes[...]) }
                }
            }
        }
    }

    /// A value of text.
    private func value(_ text: String) throws -> TypedValue {
        try TypedValue(Array(text.utf8), as: .text)
    }
}
