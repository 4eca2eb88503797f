/// Numbers as people write them.
enum NumberText {
    /// Reads a whole number of 64 bits, or throws a sentence that says what one looks like.
    static func integer(_ text: [UInt8]) throws(Failure) -> Int64 {
        guard let number = String(validating: text, as: UTF8.self).flatMap({ Int64($0) }) else {
            throw Failure(
                .usage,
                "\(TerminalText.quoted(text)) is no int64, a whole number from \(Int64.min) to \(Int64.max)")
        }
        return number
    }

    /// Reads a floating-point number in decimal digits, or `inf`, `-inf` or `nan`, as `get` writes them.
    static func double(_ text: [UInt8]) throws(Failure) -> Double {
        let words = ["inf", "+inf", "-inf", "nan"]
        guard let string = String(validating: text, as: UTF8.self), let number = Double(string),
            words.contains(string) || string.utf8.allSatisfy(isPartOfADecimal)
        else {
            throw Failure(
                .usage, "\(TerminalText.quoted(text)) is no double, a number as in -0.5, 12 or 6.02e23")
        }
        guard number.isFinite || words.contains(string) else {
            throw Failure(
                .usage,
                "\(TerminalText.quoted(text)) is too large for a double, whose greatest is \(Double.greatestFiniteMagnitude)"
            )
        }
        return number
    }

    /// Takes a line end away from the end of `text`.
    static func withoutLineEnd(_ text: [UInt8]) -> [UInt8] {
        var text = text
        if text.last == UInt8(ascii: "\n") { text.removeLast() }
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        return text
    }

    /// Whether `byte` may stand in a decimal number.
    private static func isPartOfADecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
