/// How a value's bytes are meant; kept beside the value and checked when it is read as a type.
public struct ValueType: RawRepresentable, Equatable, Sendable {
    /// The tag in the record.
    public let rawValue: UInt8

    /// Any tag; the named ones are below, 128 to 255 are a program's own.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Any bytes.
    public static var bytes: ValueType { ValueType(rawValue: 0) }
    /// UTF-8.
    public static var utf8: ValueType { ValueType(rawValue: 1) }
    /// A signed 64-bit integer, little-endian.
    public static var int64: ValueType { ValueType(rawValue: 2) }
    /// A 64-bit floating-point number, little-endian.
    public static var double: ValueType { ValueType(rawValue: 3) }
    /// One JSON text in UTF-8; `SharedMemCodable` makes it of every `Codable` type.
    public static var json: ValueType { ValueType(rawValue: 4) }
}

/// What can be a value: bytes and the type they are tagged with.
///
/// `[UInt8]`, `String`, `Int`, `Int64` and `Double` are. A program's own type can be, too; for `Codable` types there is
/// `SharedMemCodable`.
public protocol SegmentValue {
    /// The tag that a value of this type is set with.
    static var valueType: ValueType { get }

    /// Reads a value from bytes that carry `type`; nil: they aren't one.
    init?(valueBytes: RawSpan, type: ValueType)

    /// Runs `body` with the value's bytes.
    func withValueBytes<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result
}

extension [UInt8]: SegmentValue {
    /// The tag of its values.
    public static var valueType: ValueType { .bytes }

    /// The bytes of a value of any type.
    public init?(valueBytes: RawSpan, type: ValueType) {
        self = unsafe valueBytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Runs `body` with the value's bytes.
    public func withValueBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withKeyBytes(body)
    }
}

extension String: SegmentValue {
    /// The tag of its values.
    public static var valueType: ValueType { .utf8 }

    /// Text: what is tagged as UTF-8, as JSON or as bytes; what isn't valid becomes U+FFFD.
    public init?(valueBytes: RawSpan, type: ValueType) {
        guard type == .utf8 || type == .json || type == .bytes else { return nil }
        self = unsafe valueBytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Runs `body` with the value's bytes.
    public func withValueBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withKeyBytes(body)
    }
}

extension Int64: SegmentValue {
    /// The tag of its values.
    public static var valueType: ValueType { .int64 }

    /// An integer: 8 bytes that are tagged as one.
    public init?(valueBytes: RawSpan, type: ValueType) {
        guard type == .int64, valueBytes.byteCount == 8 else { return nil }
        self.init(littleEndian: valueBytes.firstInteger())
    }

    /// Runs `body` with the value's bytes.
    public func withValueBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var bytes = littleEndian
        return try unsafe withUnsafeBytes(of: &bytes) { (buffer) throws(Failure) in try unsafe body(buffer.bytes) }
    }
}

extension Int: SegmentValue {
    /// The tag of its values.
    public static var valueType: ValueType { .int64 }

    /// An integer: 8 bytes that are tagged as one.
    public init?(valueBytes: RawSpan, type: ValueType) {
        guard let number = Int64(valueBytes: valueBytes, type: type) else { return nil }
        self = Int(number)
    }

    /// Runs `body` with the value's bytes.
    public func withValueBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try Int64(self).withValueBytes(body)
    }
}

extension Double: SegmentValue {
    /// The tag of its values.
    public static var valueType: ValueType { .double }

    /// A floating-point number: 8 bytes that are tagged as one.
    public init?(valueBytes: RawSpan, type: ValueType) {
        guard type == .double, valueBytes.byteCount == 8 else { return nil }
        self.init(bitPattern: UInt64(bitPattern: Int64(littleEndian: valueBytes.firstInteger())))
    }

    /// Runs `body` with the value's bytes.
    public func withValueBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try Int64(bitPattern: bitPattern).withValueBytes(body)
    }
}

extension RawSpan {
    /// The first 8 bytes as an integer; the span has at least 8.
    fileprivate func firstInteger() -> Int64 {
        unsafe unsafeLoadUnaligned(fromByteOffset: 0, as: Int64.self)
    }
}
