internal import FoundationEssentials

/// The encoding of bytes as text that RFC 4648 describes in section 4.
enum Base64 {
    /// The 64 digits in the order of their values.
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Encodes `bytes` as ASCII, padded with `=` to a multiple of four digits.
    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index + 2]) }
            text.append(digits[Int(group >> 18 & 63)])
            text.append(digits[Int(group >> 12 & 63)])
            text.append(count > 1 ? digits[Int(group >> 6 & 63)] : UInt8(ascii: "="))
            text.append(count > 2 ? digits[Int(group & 63)] : UInt8(ascii: "="))
            index += 3
        }
        return text
    }

    /// Decodes padded base64, or answers nil if `text` isn't exactly what `encoded(_:)` writes for some bytes.
    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        guard let data = Data(base64Encoded: Data(text)) else { return nil }
        let bytes = Array(data)
        // The library passes over bits behind the last byte, and over padding in the middle.
        return encoded(bytes) == text ? bytes : nil
    }
}
