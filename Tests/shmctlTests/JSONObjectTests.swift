import Testing

@testable import shmctl

@Suite struct JSONObjectTests {
    @Test(arguments: [
        ("", #""""#),
        ("greeting", #""greeting""#),
        (#"a"b\c/d"#, #""a\"b\\c/d""#),
        ("line\nreturn\rtab\t", #""line\nreturn\rtab\t""#),
        ("\u{0}\u{1}\u{1F}\u{7F}", #""\u0000\u0001\u001f\u007f""#),
        ("é 漢 😀 \u{2028}", "\"é 漢 😀 \u{2028}\""),
    ])
    func textIsEscaped(text: String, json: String) {
        #expect(String(decoding: JSONObject.escaped(text), as: UTF8.self) == json)
    }

    @Test func objectHoldsItsMembersInOrder() {
        var inner = JSONObject()
        inner.append("a", 1)
        var object = JSONObject()
        object.append("text", "x")
        object.append("number", UInt64.max)
        object.append("double", 6.02e23)
        object.append("infinite", -Double.infinity)
        object.append("yes", true)
        object.append("no", false)
        object.appendNull("nothing")
        object.append("object", inner)
        object.append("none", [])
        object.append("list", [inner, JSONObject()])
        object.append("value", base64: [0xFF])
        #expect(
            String(decoding: object.line, as: UTF8.self)
                == #"{"text":"x","number":18446744073709551615,"double":6.02e+23,"infinite":null,"#
                + #""yes":true,"no":false,"nothing":null,"#
                + #""object":{"a":1},"none":[],"list":[{"a":1},{}],"value":"/w=="}"# + "\n")
    }

    @Test(arguments: [
        ([UInt8]("key".utf8), #"{"key":"key"}"#),
        ([], #"{"key":""}"#),
        ([0x6B, 0xFF], #"{"keyBase64":"a/8="}"#),
        ([0xED, 0xA0, 0x80], #"{"keyBase64":"7aCA"}"#),
    ])
    func bytesAreTextOnlyIfTheyAreUTF8(bytes: [UInt8], json: String) {
        var object = JSONObject()
        object.append("key", bytes: bytes)
        #expect(String(decoding: object.bytes, as: UTF8.self) == json)
    }
}
