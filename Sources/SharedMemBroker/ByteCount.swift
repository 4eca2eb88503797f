/// A number of bytes in words.
struct ByteCount: CustomStringConvertible {
    /// The number.
    let bytes: UInt64

    /// Wraps `bytes`.
    init(_ bytes: UInt64) {
        self.bytes = bytes
    }

    /// The largest unit that fits, with one decimal, rounded down: `1.5 GiB`.
    var rounded: String {
        guard bytes >= 1024 else { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
        let power = (UInt64.bitWidth - 1 - bytes.leadingZeroBitCount) / 10
        let unit = UInt64(1) << UInt64(power * 10)
        let tenths = bytes % unit * 10 / unit
        let name = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][power]
        return tenths == 0 ? "\(bytes / unit) \(name)" : "\(bytes / unit).\(tenths) \(name)"
    }

    /// The largest unit and the exact number: `1.5 GiB (1610612736 bytes)`.
    var description: String {
        bytes < 1024 ? rounded : "\(rounded) (\(bytes) bytes)"
    }

    /// Rounds up to whole pages; a number that is too large becomes the largest.
    var inPages: UInt64 {
        let (sum, overflows) = bytes.addingReportingOverflow(Self.pageByteCount - 1)
        return overflows ? .max : sum / Self.pageByteCount * Self.pageByteCount
    }

    /// Bytes of a page.
    static var pageByteCount: UInt64 { 4096 }
}
