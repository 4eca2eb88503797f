/// Reads the parts of an object of JSON one after the other, out of bytes that are known to be UTF-8.
///
/// Foundation's decoder takes the first of two members with one name, commas behind the last one, and 1e3 for an integer,
/// and names no place: a line must be refused as a whole, in words, before anything is written.
struct JSONScanner {
    /// What is left.
    private var rest: ArraySlice<UInt8>

    /// Begins at the start of `text`.
    init(_ text: ArraySlice<UInt8>) {
        rest = text
    }

    /// Skips spaces, and `mark` if it comes next; answers whether it did.
    mutating func skip(_ mark: Character) -> Bool {
        rest = rest.drop(while: JSONMembers.isSpace)
        guard rest.first == mark.asciiValue else { return false }
        rest.removeFirst()
        return true
    }

    /// Skips spaces and `mark`, or says that `what` was expected.
    mutating func expect(_ mark: Character, _ what: String) throws(Failure) {
        guard skip(mark) else { throw expected(what) }
    }

    /// Requires that nothing but spaces is left.
    mutating func expectEnd() throws(Failure) {
        rest = rest.drop(while: JSONMembers.isSpace)
        guard rest.isEmpty else { throw expected("the end of the line behind the object") }
    }

    /// Reads text or a number.
    mutating func value(of name: [UInt8]) throws(Failure) -> JSONMembers.Value {
        rest = rest.drop(while: JSONMembers.isSpace)
        switch rest.first {
        case UInt8(ascii: "\""): return .text(try string("text"))
        case let digit? where digit == UInt8(ascii: "-") || (0x30...0x39).contains(digit): return .number(number())
        default: throw expected("text or a number as \(TerminalText.quoted(name))")
        }
    }

    /// Reads the characters of a number; what reads them further checks them.
    private mutating func number() -> [UInt8] {
        let digits = rest.prefix { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }
        rest = rest[digits.endIndex...]
        return Array(digits)
    }

    /// Reads text between quotes, or says that `what` was expected.
    mutating func string(_ what: String) throws(Failure) -> [UInt8] {
        try expect("\"", what + " in double quotes")
        var text: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"): try appendEscaped(to: &text)
            case 0..<0x20:
                throw Failure(.usage, "a control character in text is written as \\u00\(Self.hexadecimal(byte))")
            default: text.append(byte)
            }
        }
        throw Failure(.usage, "the text \(TerminalText.quoted(text)) isn't ended")
    }

    /// Reads what follows a backslash.
    private mutating func appendEscaped(to text: inout [UInt8]) throws(Failure) {
        switch rest.popFirst() {
        case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(UInt8(ascii: "\n"))
        case UInt8(ascii: "r"): text.append(UInt8(ascii: "\r"))
        case UInt8(ascii: "t"): text.append(UInt8(ascii: "\t"))
        case UInt8(ascii: "u"): text += UTF8.encode(try scalar()) ?? UTF8.encodedReplacementCharacter
        default: throw Failure(.usage, #"a backslash in text is expected before one of "\/bfnrtu"#)
        }
    }

    /// Reads the digits of a scalar, or of the two surrogates that stand for one.
    private mutating func scalar() throws(Failure) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if (0xD800...0xDBFF).contains(first), rest.starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
            rest = rest.dropFirst(2)
            let second = try codeUnit()
            if (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            {
                return scalar
            }
        }
        throw Failure(.usage, "half a surrogate pair stands in text; bytes that aren't UTF-8 are written in base64")
    }

    /// Reads four hexadecimal digits.
    private mutating func codeUnit() throws(Failure) -> UInt32 {
        let digits = rest.prefix(4)
        guard digits.count == 4, digits.first != UInt8(ascii: "+"),
            let unit = String(validating: digits, as: UTF8.self).flatMap({ UInt32($0, radix: 16) })
        else { throw Failure(.usage, "\\u is expected before four hexadecimal digits") }
        rest = rest.dropFirst(4)
        return unit
    }

    /// Says that `what` was expected at this place.
    private func expected(_ what: String) -> Failure {
        let found = rest.isEmpty ? "the end of the line" : "\(TerminalText.quoted(Array(rest.prefix(16))))"
        return Failure(.usage, "\(what) is expected, found \(found)")
    }

    /// Writes `byte` as two digits.
    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
