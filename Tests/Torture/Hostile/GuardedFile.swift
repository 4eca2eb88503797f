internal import Glibc
internal import LinuxIPC
internal import SharedMemStore

/// A memory file whose last byte is the last byte before memory that nobody may touch, mapped twice.
///
/// Behind each mapping so much address space is closed that no block number of 32 bits leads past it.
@safe final class GuardedFile {
    /// Bytes of the file, as its users see it.
    let byteCount: Int
    private let writable: Guarded
    private let readOnly: Guarded

    /// Makes a file of zeros.
    init(byteCount: Int) throws(Errno) {
        self.byteCount = byteCount
        let mapped = (byteCount + Guarded.page - 1) / Guarded.page * Guarded.page
        let file = try MemoryFile.create(label: "hostile")
        try file.reserve(byteCount: mapped)
        writable = try Guarded(file, byteCount: mapped, protection: PROT_READ | PROT_WRITE)
        readOnly = try Guarded(file, byteCount: mapped, protection: PROT_READ)
    }

    /// The file for a store; `slack` bytes more than there are make the store's own assertions look away.
    func bytes(isWritable: Bool = true, slack: Int = 0) -> SharedBytes {
        unsafe SharedBytes(start(isWritable: isWritable), byteCount: byteCount + slack)
    }

    /// Where the file begins; valid as long as this object lives.
    @unsafe func start(isWritable: Bool = true) -> UnsafeMutableRawPointer {
        unsafe (isWritable ? writable.end : readOnly.end) - byteCount
    }

    /// The last `count` bytes of the file.
    @unsafe func suffix(_ count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count <= byteCount, "a part of the file")
        return unsafe UnsafeMutableRawBufferPointer(start: writable.end - count, count: count)
    }

    /// What is in the file.
    var contents: [UInt8] { unsafe [UInt8](UnsafeRawBufferPointer(suffix(byteCount))) }

    /// Puts `bytes` into the file, at `range` of both.
    func restore(_ bytes: [UInt8], _ range: Range<Int>) {
        unsafe bytes.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(rebasing: suffix(byteCount)[range])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
        }
    }
}

/// A mapping in the middle of closed address space.
@safe private struct Guarded: ~Copyable {
    static var page: Int { 4096 }
    private static var before: Int { 1 << 30 }
    private static var behind: Int { 260 << 30 }

    private let reserved: UnsafeMutableRawPointer
    private let reservedByteCount: Int
    /// Behind the last byte.
    let end: UnsafeMutableRawPointer

    /// Maps the first `byteCount` bytes of `file`; `mmap(2)`.
    init(_ file: borrowing MemoryFile, byteCount: Int, protection: Int32) throws(Errno) {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let total = Self.before + byteCount + Self.behind
        guard let reserved = unsafe mmap(nil, total, PROT_NONE, flags, -1, 0), unsafe reserved != MAP_FAILED else {
            throw .noMemory
        }
        let place = unsafe reserved + Self.before
        let mapped = unsafe mmap(
            place, byteCount, protection, MAP_SHARED | MAP_FIXED, file.descriptor.rawValue, 0)
        guard unsafe mapped == place else {
            unsafe munmap(reserved, total)
            throw .noMemory
        }
        unsafe self.reserved = reserved
        reservedByteCount = total
        unsafe end = place + byteCount
    }

    deinit { unsafe munmap(reserved, reservedByteCount) }
}
