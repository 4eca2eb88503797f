internal import ArgumentParser

/// A size as people write one: 512, 64KiB, 512MiB, 1GiB; K, M, G and T are powers of 1,024.
enum ByteSize {
    /// The units by their letters, smallest first.
    private static let units: [(letter: Character, byteCount: UInt64)] = [
        ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40),
    ]

    /// Reads a size above 0, or throws a sentence that says what one looks like.
    static func parse(_ text: String) throws -> UInt64 {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let unit = unitByteCount(text[digits.endIndex...]) else {
            throw ValidationError("a size is a whole number of bytes, or one with KiB, MiB, GiB or TiB, as in 64MiB")
        }
        guard let number = UInt64(digits) else { throw ValidationError("no segment can be that large") }
        let (byteCount, overflows) = number.multipliedReportingOverflow(by: unit)
        guard !overflows else { throw ValidationError("no segment can be that large") }
        guard byteCount > 0 else { throw ValidationError("a size is above 0") }
        return byteCount
    }

    /// Says how many bytes the unit `suffix` has, or nil if there is no such unit.
    private static func unitByteCount(_ suffix: Substring) -> UInt64? {
        let suffix = suffix.uppercased()
        if suffix.isEmpty || suffix == "B" { return 1 }
        for unit in units where suffix == "\(unit.letter)" || suffix == "\(unit.letter)IB" {
            return unit.byteCount
        }
        return nil
    }

    /// Writes a size for people: whole in its largest unit, or with one decimal, as in "1.5 GiB".
    static func text(_ byteCount: UInt64) -> String {
        guard let unit = units.last(where: { $0.byteCount <= byteCount }) else { return "\(byteCount) B" }
        let whole = byteCount / unit.byteCount
        let tenths = byteCount % unit.byteCount * 10 / unit.byteCount
        return tenths == 0 ? "\(whole) \(unit.letter)iB" : "\(whole).\(tenths) \(unit.letter)iB"
    }
}
