internal import CSharedMem

/// Puts the fields of a frame together, in declared order.
struct FrameWriter {
    /// The frame so far.
    private var bytes: [UInt8] = []

    /// Begins a frame with a message of `messageByteCount` bytes.
    init(type: MessageType, requestID: UInt32, messageByteCount: Int) {
        let byteCount = Frame.headerByteCount + messageByteCount
        bytes.reserveCapacity(byteCount)
        integer(SHAREDMEM_CONTROL_MAGIC)
        integer(UInt16(SHAREDMEM_CONTROL_MAJOR))
        integer(type.rawValue)
        integer(UInt32(truncatingIfNeeded: byteCount))
        integer(requestID)
    }

    /// Ends the frame and returns it.
    consuming func finish() -> [UInt8] { bytes }

    /// Appends a little-endian integer.
    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for shift in 0..<MemoryLayout<Value>.size {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(truncatingIfNeeded: shift * 8)))
        }
    }

    /// Appends a word that is 1 for true and 0 for false.
    mutating func boolean(_ value: Bool) {
        integer(UInt32(value ? 1 : 0))
    }

    /// Appends a word that must be 0.
    mutating func reserved() {
        integer(UInt32(0))
    }

    /// Appends an access, or none.
    mutating func access(_ access: Access?) {
        integer(access?.rawValue ?? SHAREDMEM_ACCESS_NONE)
    }

    /// Appends as much of `text` as fits `byteCount`, cut at a whole character, and zeros behind it.
    mutating func padded(_ text: [UInt8], byteCount: Int) {
        let kept = text.prefix(Self.fittingByteCount(of: text, limit: byteCount))
        bytes.append(contentsOf: kept)
        zeros(byteCount - kept.count)
    }

    /// Appends a name, or the absence of one.
    mutating func name(_ name: SegmentName?) {
        let text = name?.bytes ?? []
        integer(UInt32(truncatingIfNeeded: text.count))
        reserved()
        padded(text, byteCount: SegmentName.maximumByteCount)
    }

    /// Appends a token.
    mutating func token(_ token: SessionToken) {
        integer(token.high)
        integer(token.low)
    }

    /// Appends what a program says it is: up to its first zero byte, cut at 64 bytes, at a whole character.
    mutating func program(_ program: [UInt8]) {
        padded([UInt8](program.prefix { $0 != 0 }), byteCount: Int(SHAREDMEM_PROGRAM_MAX))
    }

    /// Appends `count` zeros.
    mutating func zeros(_ count: Int) {
        for _ in 0..<count { bytes.append(0) }
    }

    /// Counts the bytes of `text` that fit `limit` without cutting a character of UTF-8.
    static func fittingByteCount(of text: [UInt8], limit: Int) -> Int {
        guard text.count > limit else { return text.count }
        var count = limit
        while count > 0, text[count] & 0b1100_0000 == 0b1000_0000 { count -= 1 }
        return count
    }
}
