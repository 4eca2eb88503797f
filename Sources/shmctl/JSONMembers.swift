/// The members of one object of JSON (RFC 8259) that holds text and numbers alone.
struct JSONMembers {
    /// The value of a member.
    enum Value: Equatable {
        /// Text, as UTF-8.
        case text([UInt8])
        /// A number, as it is written.
        case number([UInt8])
    }

    /// The members that weren't taken yet, in their order.
    private var members: [(name: [UInt8], value: Value)] = []

    /// Reads exactly one object.
    init(_ text: ArraySlice<UInt8>) throws(Failure) {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw Failure(.usage, "an object of JSON is expected, and JSON is UTF-8")
        }
        var scanner = JSONScanner(text)
        try scanner.expect("{", "an object of JSON")
        if !scanner.skip("}") {
            repeat {
                let name = try scanner.string("a member's name")
                guard !members.contains(where: { $0.name == name }) else {
                    throw Failure(.usage, "the member \(TerminalText.quoted(name)) comes twice")
                }
                try scanner.expect(":", "':' behind \(TerminalText.quoted(name))")
                members.append((name, try scanner.value(of: name)))
            } while scanner.skip(",")
            try scanner.expect("}", "',' or '}'")
        }
        try scanner.expectEnd()
    }

    /// The name of the first member that wasn't taken; nil: all were.
    var firstName: [UInt8]? { members.first?.name }

    /// Takes a member out; nil: there is none of this name.
    mutating func take(_ name: String) -> Value? {
        guard let index = members.firstIndex(where: { $0.name.elementsEqual(name.utf8) }) else { return nil }
        return members.remove(at: index).value
    }

    /// Whether `byte` may stand between the parts of an object.
    static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}

extension JSONMembers.Value {
    /// The text that it must be.
    func text(of name: String) throws(Failure) -> [UInt8] {
        guard case .text(let text) = self else { throw Failure(.usage, "'\(name)' is expected to be text") }
        return text
    }

    /// The bytes of the base64 that it must be.
    func base64(of name: String) throws(Failure) -> [UInt8] {
        guard let bytes = Base64.decoded(try text(of: name)) else {
            throw Failure(.usage, "'\(name)' is expected to be base64, with its padding")
        }
        return bytes
    }

    /// The digits of the number that it must be.
    func digits(of name: String) throws(Failure) -> [UInt8] {
        guard case .number(let digits) = self else { throw Failure(.usage, "'\(name)' is expected to be a number") }
        return digits
    }
}
