/// What a read found out about a value.
package struct ValueInfo: Equatable, Sendable {
    /// Bytes of the value.
    package let byteCount: Int
    /// The commit number it was published at.
    package let version: UInt64
    /// ns since the epoch, of a coarse clock.
    package let writtenAt: UInt64
    /// ns of CLOCK_BOOTTIME; 0: never.
    package let expiresAt: UInt64
    /// Who wrote it.
    package let session: UInt32
    /// The type tag.
    package let type: UInt8
    /// Where the key stands: a hint for the next read.
    package let slotOffset: Int
    /// Where the value lies: only to be used under a pin.
    package let valueOffset: Int

    @inline(__always)
    init(_ record: Record, _ extent: Record.Extent, _ header: RecordHeader, slotOffset: Int) {
        valueOffset = record.valueOffset(extent)
        byteCount = extent.valueByteCount
        version = header.version
        writtenAt = header.writtenAt
        expiresAt = header.expiresAt
        session = header.session
        type = header.type
        self.slotOffset = slotOffset
    }
}
