/// Text made safe to show on a terminal.
enum TerminalText {
    /// Writes what a terminal would act on as escapes: `\n`, `\r`, `\t`, otherwise `\xHH` for each byte.
    ///
    /// That is control characters, bytes that aren't UTF-8, and the marks that turn the direction of text around.
    /// With `keepsLines` line feeds and tabs stay as they are, for text that is shown as a whole; without it a
    /// backslash is doubled, so that the bytes can be told from what is shown.
    static func escaped(_ bytes: [UInt8], keepsLines: Bool = false) -> String {
        var text = ""
        for piece in UTF8Pieces(bytes) {
            switch piece.scalar {
            case "\n", "\t":
                text += keepsLines ? (piece.scalar == "\n" ? "\n" : "\t") : (piece.scalar == "\n" ? "\\n" : "\\t")
            case "\r": text += "\\r"
            case "\\": text += keepsLines ? "\\" : "\\\\"
            case let scalar? where !isActedOn(scalar): text.unicodeScalars.append(scalar)
            default:
                for byte in piece.bytes {
                    text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            }
        }
        return text
    }

    /// Puts `bytes`, escaped, between quotation marks, for a sentence.
    static func quoted(_ bytes: [UInt8]) -> String {
        "'" + escaped(bytes) + "'"
    }

    /// Whether a terminal would do something with `scalar` instead of showing it.
    private static func isActedOn(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
