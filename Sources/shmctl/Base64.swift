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
        guard text.count % 4 == 0 else { return nil }
        let paddingCount = text.suffix(2).count { $0 == UInt8(ascii: "=") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        for (index, digit) in text.dropLast(paddingCount).enumerated() {
            guard let value = value(of: digit) else { return nil }
            group = group << 6 | value
            if index % 4 != 0 { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(6 - index % 4 * 2))) }
        }
        // The bits behind the last byte are zero in what an encoder writes.
        let unused: UInt32 = paddingCount == 2 ? 0xF : paddingCount == 1 ? 0x3 : 0
        return group & unused == 0 ? bytes : nil
    }

    /// The value of `digit`, or nil if it is none.
    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
