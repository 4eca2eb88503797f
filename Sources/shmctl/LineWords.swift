/// The words of a line: bytes between spaces, or between double quotes with escapes.
///
/// A word in quotes may hold spaces, any other byte, and `\n`, `\r`, `\t`, `\"`, `\\` and `\xHH`. Outside of quotes
/// a backslash is itself. A `#` at the start of a line begins a comment.
struct LineWords {
    /// What is left of the line.
    private var rest: ArraySlice<UInt8>
    /// Whether nothing but spaces came yet.
    private var isAtStart = true

    /// Begins with the first word of `line`.
    init(_ line: ArraySlice<UInt8>) {
        rest = line
        // A line may end as on other systems.
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
    }

    /// Reads the next word; nil: there is none.
    mutating func next() throws(Failure) -> [UInt8]? {
        rest = rest.drop(while: Self.isSpace)
        guard let first = rest.first else { return nil }
        defer { isAtStart = false }
        if isAtStart, first == UInt8(ascii: "#") {
            rest = []
            return nil
        }
        guard first == UInt8(ascii: "\"") else { return try bareWord() }
        rest.removeFirst()
        return try quotedWord()
    }

    /// Reads to the next space.
    private mutating func bareWord() throws(Failure) -> [UInt8] {
        let word = rest.prefix { !Self.isSpace($0) }
        rest = rest[word.endIndex...]
        for byte in word where byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") {
            let escape = byte == UInt8(ascii: "\"") ? "\\\"" : TerminalText.escaped([byte])
            throw Failure(
                .usage,
                "the word \(TerminalText.quoted(Array(word))) needs double quotes around it, with \(escape) within")
        }
        return Array(word)
    }

    /// Reads to the quote that ends the word.
    private mutating func quotedWord() throws(Failure) -> [UInt8] {
        var word: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                guard rest.first.map(Self.isSpace) ?? true else {
                    throw Failure(.usage, "a space is expected behind the quote that ends \(TerminalText.quoted(word))")
                }
                return word
            case UInt8(ascii: "\\"): word.append(try escapedByte())
            default: word.append(byte)
            }
        }
        throw Failure(.usage, "the quote before \(TerminalText.quoted(word)) isn't ended on the same line")
    }

    /// Reads what follows a backslash.
    private mutating func escapedByte() throws(Failure) -> UInt8 {
        switch rest.popFirst() {
        case UInt8(ascii: "n"): return UInt8(ascii: "\n")
        case UInt8(ascii: "r"): return UInt8(ascii: "\r")
        case UInt8(ascii: "t"): return UInt8(ascii: "\t")
        case UInt8(ascii: "\""): return UInt8(ascii: "\"")
        case UInt8(ascii: "\\"): return UInt8(ascii: "\\")
        case UInt8(ascii: "x"):
            let digits = rest.prefix(2)
            rest = rest.dropFirst(2)
            if digits.count == 2, digits.allSatisfy({ $0 != UInt8(ascii: "+") }),
                let byte = String(validating: digits, as: UTF8.self).flatMap({ UInt8($0, radix: 16) })
            {
                return byte
            }
            throw Failure(.usage, "\\x is expected before two hexadecimal digits, as in \\x0a")
        case let other:
            let found = other.map { "\\" + TerminalText.escaped([$0]) } ?? "a backslash at the end"
            throw Failure(.usage, "\(found) is no escape: expected \\n, \\r, \\t, \\\", \\\\ or \\xHH")
        }
    }

    /// Writes `bytes` as one word that `next()` reads: in quotes if it needs them.
    static func word(_ bytes: [UInt8]) -> String {
        let text = TerminalText.escaped(bytes)
        let isBare =
            !bytes.isEmpty && text.utf8.elementsEqual(bytes) && bytes.first != UInt8(ascii: "#")
            && !bytes.contains { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\"") }
        return isBare
            ? text
            : "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
    }

    /// Whether `byte` stands between words.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
