internal import SharedMem

/// A value's bytes as they are stored, and the type that they are tagged with.
struct TypedValue: Equatable {
    /// The bytes.
    let bytes: [UInt8]
    /// What they are.
    let type: ValueType

    /// Makes a value of `kind` from what somebody wrote.
    ///
    /// A number is written in digits and may end in a line feed, as `echo` writes one. Without a kind the value is
    /// text if it is UTF-8, and otherwise bytes.
    init(_ written: [UInt8], as kind: ValueKind?) throws(Failure) {
        switch kind {
        case nil:
            bytes = written
            type = String(validating: written, as: UTF8.self) == nil ? .bytes : .utf8
        case .bytes:
            bytes = written
            type = .bytes
        case .text:
            guard String(validating: written, as: UTF8.self) != nil else {
                throw Failure(.usage, "the value isn't UTF-8, which --type text expects; --type bytes takes any bytes")
            }
            bytes = written
            type = .utf8
        case .int64:
            let number = try NumberText.integer(NumberText.withoutLineEnd(written))
            bytes = Self.bytes(of: number)
            type = .int64
        case .double:
            let number = try NumberText.double(NumberText.withoutLineEnd(written))
            bytes = Self.bytes(of: number)
            type = .double
        }
    }

    /// Makes a value of an integer.
    init(_ number: Int64) {
        bytes = Self.bytes(of: number)
        type = .int64
    }

    /// The bytes that `value` is stored as.
    private static func bytes(of value: some SegmentValue) -> [UInt8] {
        value.withValueBytes { span in unsafe span.withUnsafeBytes { unsafe [UInt8]($0) } }
    }
}
