/// Memory of a C caller that is to be filled.
@unsafe
struct ForeignBuffer {
    /// Where.
    let bytes: UnsafeMutableRawBufferPointer

    /// The `capacity` bytes at `start`; nil: there are none there, though there should be.
    @inline(__always)
    init?(_ start: UnsafeMutableRawPointer?, _ capacity: Int) {
        // More than the address space has is a negative number.
        guard unsafe capacity == 0 || start != nil && capacity > 0 else { return nil }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: start, count: capacity)
    }

    /// Copies bytes to its start; false: it's too small, and untouched.
    func take(_ source: [UInt8]) -> Bool {
        guard unsafe source.count <= bytes.count else { return false }
        unsafe source.withUnsafeBytes { source in
            if unsafe !source.isEmpty { unsafe bytes.copyMemory(from: source) }
        }
        return true
    }
}
