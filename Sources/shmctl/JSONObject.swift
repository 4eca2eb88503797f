/// One object of JSON (RFC 8259), built member by member as UTF-8.
struct JSONObject {
    /// The members so far, without the braces.
    private var members: [UInt8] = []

    /// Begins an object without members.
    init() {}

    /// Begins an object about a key.
    init(segment: String, key: [UInt8]) {
        append("segment", segment)
        append("key", bytes: key)
    }

    /// Adds a member that is text.
    mutating func append(_ name: String, _ value: String) {
        append(name, raw: Self.escaped(value))
    }

    /// Adds a member that is a whole number.
    ///
    /// Many readers keep numbers as 64-bit floating point: one above 2^53 belongs into text.
    mutating func append(_ name: String, _ value: some BinaryInteger) {
        append(name, raw: Array(String(value).utf8))
    }

    /// Adds a member that is a floating-point number; one that JSON can't write (not a number, infinite) becomes null.
    mutating func append(_ name: String, _ value: Double) {
        append(name, raw: Array((value.isFinite ? value.description : "null").utf8))
    }

    /// Adds a member that is true or false.
    mutating func append(_ name: String, _ value: Bool) {
        append(name, raw: Array((value ? "true" : "false").utf8))
    }

    /// Adds a member that is an object.
    mutating func append(_ name: String, _ value: JSONObject) {
        append(name, raw: value.bytes)
    }

    /// Adds a member that is a list of objects.
    mutating func append(_ name: String, _ values: [JSONObject]) {
        append(
            name,
            raw: [UInt8(ascii: "[")] + values.map(\.bytes).joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")])
    }

    /// Adds a member that is null.
    mutating func appendNull(_ name: String) {
        append(name, raw: Array("null".utf8))
    }

    /// Adds `bytes` as text under `name` if they are UTF-8, and otherwise as base64 under `name` with "Base64" added.
    mutating func append(_ name: String, bytes: [UInt8]) {
        if let text = String(validating: bytes, as: UTF8.self) {
            append(name, text)
        } else {
            append(name + "Base64", base64: bytes)
        }
    }

    /// Adds a member that is `bytes` as base64.
    mutating func append(_ name: String, base64 bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        append(name, raw: [quote] + Base64.encoded(bytes) + [quote])
    }

    /// The object.
    var bytes: [UInt8] {
        [UInt8(ascii: "{")] + members + [UInt8(ascii: "}")]
    }

    /// The object as a line of JSON Lines.
    var line: [UInt8] {
        bytes + [UInt8(ascii: "\n")]
    }

    /// Adds a member whose value is written already.
    private mutating func append(_ name: String, raw value: [UInt8]) {
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        members += Self.escaped(name)
        members.append(UInt8(ascii: ":"))
        members += value
    }
}

extension JSONObject {
    /// Writes `text` as a JSON string with its quotation marks.
    static func escaped(_ text: String) -> [UInt8] {
        var bytes = [UInt8(ascii: "\"")]
        bytes.reserveCapacity(text.utf8.count + 2)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += Array("\\\"".utf8)
            case UInt8(ascii: "\\"): bytes += Array("\\\\".utf8)
            case UInt8(ascii: "\n"): bytes += Array("\\n".utf8)
            case UInt8(ascii: "\r"): bytes += Array("\\r".utf8)
            case UInt8(ascii: "\t"): bytes += Array("\\t".utf8)
            case 0..<0x20, 0x7F:
                bytes += Array(("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return bytes
    }
}
