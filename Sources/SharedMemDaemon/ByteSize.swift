/// A number of bytes, as people write and read it.
package struct ByteSize: Equatable, Sendable {
    /// The bytes.
    package let byteCount: UInt64

    package init(_ byteCount: UInt64) {
        self.byteCount = byteCount
    }

    /// Reads a whole number with a binary unit (`512`, `64KiB`, `16M`, `1 GiB`); nil if `text` is anything else or
    /// doesn't fit 64 bits.
    package init?(text: String) {
        let bytes = text.utf8
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty, let count = UInt64(Substring(digits)) else { return nil }
        var unit = bytes.dropFirst(digits.count)
        if unit.first == UInt8(ascii: " "), unit.count > 1 { unit = unit.dropFirst() }
        guard let shift = Self.shifts[String(Substring(unit))] else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        guard !overflow else { return nil }
        byteCount = product
    }

    /// The units, as powers of two.
    private static let shifts: [String: UInt64] = [
        "": 0, "B": 0, "K": 10, "KiB": 10, "M": 20, "MiB": 20, "G": 30, "GiB": 30, "T": 40, "TiB": 40,
    ]
}

extension ByteSize: CustomStringConvertible {
    /// The size with one digit behind the point, rounded down: `16.0 MiB`; below 1 KiB whole bytes.
    package var description: String {
        guard byteCount >= 1024 else { return "\(byteCount) B" }
        let power = min((UInt64.bitWidth - 1 - byteCount.leadingZeroBitCount) / 10, 4)
        let unit = UInt64(1) << UInt64(10 * power)
        let tenths = byteCount % unit / (unit / 1024) * 10 / 1024
        return "\(byteCount / unit).\(tenths) \(["B", "KiB", "MiB", "GiB", "TiB"][power])"
    }
}
