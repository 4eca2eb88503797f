internal import SharedMem

/// Bytes of a C caller, for the length of the call: a key or a value.
@unsafe
struct ForeignBytes {
    private let bytes: UnsafeRawBufferPointer
    /// What they are tagged with as a value; the type's own tag isn't used.
    static var valueType: ValueType { .bytes }

    /// The `count` bytes at `start`; nil: there are none there, though there should be.
    @inline(__always)
    init?(_ start: UnsafeRawPointer?, _ count: Int) {
        // More than the address space has is a negative number.
        guard count == 0 || unsafe start != nil && count > 0 else { return nil }
        unsafe bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// The bytes.
    @inline(__always)
    var span: RawSpan {
        @_lifetime(borrow self) get { unsafe bytes.bytes }
    }

    /// A copy of them.
    var copy: [UInt8] { unsafe [UInt8](bytes) }
}
