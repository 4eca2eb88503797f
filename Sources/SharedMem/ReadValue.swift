internal import LinuxIPC
internal import SharedMemStore

/// What a read found beside the value's bytes.
public struct ReadValue: Equatable, Sendable {
    /// Bytes of the value.
    public let byteCount: Int
    /// The segment's commit number at which it was set; increases with every change of the segment.
    public let version: UInt64
    /// How its bytes are meant.
    public let type: ValueType

    init(_ info: ValueInfo) {
        byteCount = info.byteCount
        version = info.version
        type = ValueType(rawValue: info.type)
    }

    @inline(__always)
    init(_ value: PlainValue) {
        byteCount = value.byteCount
        version = value.version
        type = ValueType(rawValue: UInt8(truncatingIfNeeded: value.type))
    }
}

/// All that is known of a value beside its bytes.
public struct ValueMetadata: Equatable, Sendable {
    /// Bytes of the value.
    public let byteCount: Int
    /// The segment's commit number at which it was set; increases with every change of the segment.
    public let version: UInt64
    /// When it was set: nanoseconds since the epoch, of a clock that moves every few milliseconds.
    public let writtenAtNanoseconds: UInt64
    /// When it expires: nanoseconds of CLOCK_BOOTTIME; 0: never.
    public let expiresAtNanoseconds: UInt64
    /// The session that set it.
    public let session: UInt32
    /// How its bytes are meant.
    public let type: ValueType

    init(_ info: ValueInfo) {
        byteCount = info.byteCount
        version = info.version
        writtenAtNanoseconds = info.writtenAt
        expiresAtNanoseconds = info.expiresAt
        session = info.session
        type = ValueType(rawValue: info.type)
    }
}

extension ValueInfo {
    /// Whether the value must not be seen any more; asks the clock only if it expires at all.
    @inline(__always)
    var hasExpired: Bool { expiresAt != 0 && expiresAt <= SystemClock.boottime() }
}
