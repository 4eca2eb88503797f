internal import CSharedMem

/// Bytes of a C caller, for the length of the call: a key or a value.
@unsafe
struct ForeignBytes {
    /// Where.
    let bytes: UnsafeRawBufferPointer

    /// The `count` bytes at `start`; nil: there are none there, though there should be.
    @inline(__always)
    init?(_ start: UnsafeRawPointer?, _ count: Int) {
        // More than the address space has is a negative number.
        guard unsafe count == 0 || start != nil && count > 0 else { return nil }
        unsafe bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    /// Whether no key is that long.
    var isTooLongForKey: Bool { unsafe bytes.count > Int(SHAREDMEM_KEY_LIMIT) }

    /// A copy of them.
    var copy: [UInt8] { unsafe [UInt8](bytes) }
}
