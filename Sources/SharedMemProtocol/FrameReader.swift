internal import CSharedMem

/// Takes a frame apart, field by field in declared order; no input makes it read past the end.
struct FrameReader {
    /// The whole frame.
    private let bytes: [UInt8]
    /// Where the next field begins; never beyond the end.
    private var offset = 0

    /// Begins to read `frame`, which is exactly one received message.
    init(_ frame: [UInt8]) {
        bytes = frame
    }

    /// Reads the header and checks everything in it but the type.
    mutating func header() throws(DecodingFailure) -> FrameHeader {
        guard bytes.count <= Frame.maximumByteCount else { throw .tooLong(byteCount: bytes.count) }
        guard bytes.count >= Frame.headerByteCount else {
            throw .tooShort(byteCount: bytes.count, minimum: Frame.headerByteCount)
        }
        let magic = try integer(UInt32.self)
        guard magic == SHAREDMEM_CONTROL_MAGIC else { throw .magic(magic) }
        let major = try integer(UInt16.self)
        guard major == UInt16(SHAREDMEM_CONTROL_MAJOR) else { throw .major(major) }
        let type = try MessageType(rawValue: integer(UInt16.self))
        let length = try integer(UInt32.self)
        guard length == UInt32(truncatingIfNeeded: bytes.count) else {
            throw .length(length, byteCount: bytes.count)
        }
        return try FrameHeader(type: type, requestID: integer(UInt32.self))
    }

    /// Checks that what follows the header has `byteCount` bytes.
    func expectMessage(of type: MessageType, byteCount: Int) throws(DecodingFailure) {
        let received = bytes.count - Frame.headerByteCount
        guard received == byteCount else {
            throw .messageByteCount(received, expected: byteCount, type: type.rawValue)
        }
    }

    /// Reads a little-endian integer.
    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(
        _: Value.Type = Value.self
    ) throws(DecodingFailure) -> Value {
        var value: Value = 0
        let field = try take(MemoryLayout<Value>.size)
        for index in 0..<field.count {
            value |=
                Value(truncatingIfNeeded: field[field.startIndex + index])
                << Value(truncatingIfNeeded: index * 8)
        }
        return value
    }

    /// Reads a word that is 0 or 1.
    mutating func boolean() throws(DecodingFailure) -> Bool {
        let value = try integer(UInt32.self)
        guard value <= 1 else { throw .boolean(value) }
        return value == 1
    }

    /// Reads a word of 32 bits that must be 0.
    mutating func reserved() throws(DecodingFailure) {
        guard try integer(UInt32.self) == 0 else { throw .reserved }
    }

    /// Reads an access; nil: none.
    mutating func access() throws(DecodingFailure) -> Access? {
        let value = try integer(UInt32.self)
        if value == SHAREDMEM_ACCESS_NONE { return nil }
        guard let access = Access(rawValue: value) else { throw .access(value) }
        return access
    }

    /// Reads an access that must not be none.
    mutating func requiredAccess() throws(DecodingFailure) -> Access {
        guard let access = try access() else { throw .access(SHAREDMEM_ACCESS_NONE) }
        return access
    }

    /// Reads a text of `count` bytes in a field of `byteCount`, with zeros behind it.
    mutating func padded(count: Int, byteCount: Int) throws(DecodingFailure) -> [UInt8] {
        let field = try take(byteCount)
        guard count <= byteCount else { throw .reserved }
        for byte in field.dropFirst(count) where byte != 0 { throw .reserved }
        return [UInt8](field.prefix(count))
    }

    /// Reads a text in a field of `byteCount` that ends at the first zero; zeros only may follow.
    mutating func terminated(byteCount: Int) throws(DecodingFailure) -> [UInt8] {
        let field = try take(byteCount)
        var count = 0
        while count < field.count, field[field.startIndex + count] != 0 { count += 1 }
        for byte in field.dropFirst(count) where byte != 0 { throw .reserved }
        return [UInt8](field.prefix(count))
    }

    /// Reads a name; nil: left out.
    mutating func name() throws(DecodingFailure) -> SegmentName? {
        let count = try integer(UInt32.self)
        guard count <= UInt32(SegmentName.maximumByteCount) else { throw .name }
        try reserved()
        let text = try padded(count: Int(count), byteCount: SegmentName.maximumByteCount)
        if text.isEmpty { return nil }
        guard let name = SegmentName(bytes: text) else { throw .name }
        return name
    }

    /// Reads a name that must not be left out.
    mutating func requiredName() throws(DecodingFailure) -> SegmentName {
        guard let name = try name() else { throw .name }
        return name
    }

    /// Reads the oldest and the newest protocol that a client speaks.
    mutating func majors() throws(DecodingFailure) -> ClosedRange<UInt16> {
        let oldest = try integer(UInt16.self)
        let newest = try integer(UInt16.self)
        guard oldest <= newest else { throw .majors(oldest: oldest, newest: newest) }
        return oldest...newest
    }

    /// Reads the id of a session.
    mutating func session() throws(DecodingFailure) -> UInt32 {
        let session = try integer(UInt32.self)
        guard session > 0, session < SHAREDMEM_LOCK_SESSION else { throw .session(session) }
        return session
    }

    /// Reads a token.
    mutating func token() throws(DecodingFailure) -> SessionToken {
        let token = try SessionToken(high: integer(), low: integer())
        guard token.high != 0 || token.low != 0 else { throw .token }
        return token
    }

    /// Reads what a program says it is.
    mutating func program() throws(DecodingFailure) -> [UInt8] {
        try terminated(byteCount: Int(SHAREDMEM_PROGRAM_MAX))
    }

    /// Takes the next `count` bytes.
    private mutating func take(_ count: Int) throws(DecodingFailure) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else {
            throw .tooShort(byteCount: bytes.count, minimum: offset + count)
        }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }
}
