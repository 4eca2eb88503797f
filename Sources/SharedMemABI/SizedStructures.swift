internal import LinuxIPC

// Structures that begin with their own size: a program may have been compiled with an older header, whose structure was
// shorter, or with a newer one, whose is longer.

/// What a caller has filled in, with zeros for what its header didn't know.
struct Known<Structure: BitwiseCopyable> {
    /// The structure as this library knows it.
    private(set) var value: Structure

    /// Takes over `size` bytes.
    ///
    /// Throws `invalidArgument`: a size that can't be; `protocolNotSupported`: something is set behind what this library
    /// knows.
    @unsafe
    init(_ start: UnsafePointer<Structure>, size: Int) throws(Errno) {
        guard size >= 8, size <= 4096 else { throw .invalidArgument }
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: size)
        let known = MemoryLayout<Structure>.size
        for index in stride(from: known, to: size, by: 1) where unsafe bytes[index] != 0 { throw .protocolNotSupported }
        // All of them are integers: zero bytes are a value.
        unsafe value = UnsafeMutableRawBufferPointer.zeroed { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<min(known, size)]))
        }
    }
}

/// Where a caller wants a structure stored, as much of it as its header knows.
@unsafe
struct Wanted<Structure: BitwiseCopyable> {
    private let start: UnsafeMutablePointer<Structure>
    /// Bytes of the caller's structure.
    let size: Int

    /// nil: nowhere, or a size that can't be.
    init?(_ start: UnsafeMutablePointer<Structure>?, size: Int?) {
        guard let start = unsafe start, let size, size >= 8, size <= 4096 else { return nil }
        unsafe self.start = start
        unsafe self.size = size
    }

    /// Changes some of what is there, as far as the caller's header knows it.
    func update(_ change: (inout Structure) -> Void) {
        let count = unsafe min(size, MemoryLayout<Structure>.size)
        let target = unsafe UnsafeMutableRawBufferPointer(start: start, count: count)
        var value: Structure = unsafe UnsafeMutableRawBufferPointer.zeroed { copy in
            unsafe copy.copyMemory(from: UnsafeRawBufferPointer(target))
        }
        change(&value)
        unsafe withUnsafeBytes(of: value) { bytes in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
    }

    /// Stores it, and zeros behind what this library knows.
    func store(_ value: Structure) {
        let target = unsafe UnsafeMutableRawBufferPointer(start: start, count: size)
        unsafe withUnsafeBytes(of: value) { bytes in
            for index in unsafe 0..<size {
                unsafe target[index] = index < bytes.count ? bytes[index] : 0
            }
        }
    }
}

extension UnsafeMutableRawBufferPointer {
    /// A value of integers, zero but for what `fill` stores.
    @unsafe
    fileprivate static func zeroed<Structure: BitwiseCopyable>(
        _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) -> Structure {
        unsafe withUnsafeTemporaryAllocation(
            byteCount: MemoryLayout<Structure>.size, alignment: MemoryLayout<Structure>.alignment
        ) { buffer in
            for index in buffer.indices { unsafe buffer[index] = 0 }
            unsafe fill(buffer)
            return unsafe buffer.load(as: Structure.self)
        }
    }
}

/// Stores text in the bytes of a C array, always with a zero at its end.
@unsafe
func store(_ text: String, in array: UnsafeMutableRawBufferPointer) {
    var count = 0
    for byte in text.utf8 where count < array.count - 1 {
        unsafe array[count] = byte
        count += 1
    }
    for index in count..<array.count { unsafe array[index] = 0 }
}
