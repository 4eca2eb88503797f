public import CLinuxIPC

/// Owns the mapping of a memory file and removes it at the end of its life.
///
/// `@unchecked Sendable`: the address and the length never change, the region lives until `deinit`, which runs once
/// because the value can't be copied, and the bytes are reached only through `baseAddress`, whose users synchronise.
@safe @usableFromInline package struct Mapping: ~Copyable, @unchecked Sendable {
    /// Names what the mapping is for.
    package enum Access: Sendable, Equatable {
        /// Loads only; a store faults, and the kernel refuses to change that for a read-only descriptor.
        case readOnly
        /// Loads and stores.
        case readWrite
    }

    /// Where the region starts.
    @usableFromInline let start: UnsafeMutableRawPointer

    /// How many bytes are mapped.
    @usableFromInline package let byteCount: Int

    /// In which process the region is: a forked child doesn't have it if it's private to the process.
    @usableFromInline let forkCount: UInt32?

    /// The size of a huge page, and the length from which on a mapping is aligned to it.
    static var hugePageByteCount: Int { 2 << 20 }

    /// Maps the first `byteCount` bytes of `file`, shared; `mmap(2)`.
    ///
    /// `isPrivateToProcess` keeps the region from forked children (their touch faults) and from core dumps. From 2 MiB
    /// on the kernel is asked for huge pages; whether it has any to give makes no difference to the caller.
    package init(
        of file: borrowing MemoryFile, byteCount: Int, access: Access, isPrivateToProcess: Bool
    ) throws(Errno) {
        guard byteCount > 0 else { throw .invalidArgument }
        let isLarge = byteCount >= Self.hugePageByteCount
        let address = unsafe linuxipc_map(
            file.descriptor.rawValue, byteCount, access == .readWrite ? 1 : 0, isLarge ? Self.hugePageByteCount : 0)
        guard let start = unsafe address else { throw .current }
        if isPrivateToProcess, unsafe linuxipc_keep_from_children_and_dumps(start, byteCount) != 0 {
            let error = Errno.current
            _ = unsafe munmap(start, byteCount)
            throw error
        }
        if isLarge {
            // Refused by a kernel without huge pages; the mapping works all the same.
            _ = unsafe linuxipc_prefer_huge_pages(start, byteCount)
        }
        unsafe self.start = start
        self.byteCount = byteCount
        forkCount = isPrivateToProcess ? ForkCounter.current : nil
    }

    // munmap(2) of a region that was mapped by this process doesn't fail. In a forked child that never had the region,
    // something else may stand at its address.
    @inlinable deinit {
        guard forkCount == nil || forkCount == ForkCounter.current else { return }
        _ = unsafe munmap(start, byteCount)
    }

    /// Moves the file's pages, as far as they are there, into huge ones; `madvise(2)`, MADV_COLLAPSE.
    ///
    /// Every later mapping of the file has them, too. Takes some 0.3 s for each GiB. Whether the kernel refuses makes no
    /// difference to the caller but time.
    package func makeHugePages() {
        guard byteCount >= Self.hugePageByteCount else { return }
        _ = unsafe linuxipc_make_huge_pages(start, byteCount)
    }

    /// Where the region starts; valid as long as the mapping lives.
    @unsafe package var baseAddress: UnsafeMutableRawPointer { unsafe start }
}
