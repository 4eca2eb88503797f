internal import SharedMem

/// The bytes of a JSON text as a segment's value.
struct JSONText: SegmentValue {
    /// UTF-8.
    let bytes: [UInt8]

    static var valueType: ValueType { .json }

    init(bytes: [UInt8]) { self.bytes = bytes }

    init?(valueBytes: RawSpan, type: ValueType) {
        guard type == .json || type == .utf8 || type == .bytes else { return nil }
        bytes = unsafe valueBytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    func withValueBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withValueBytes(body)
    }
}
