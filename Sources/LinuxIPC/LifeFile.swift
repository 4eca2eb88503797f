internal import CLinuxIPC

/// Owns a memory file with one word that says whether a thread lives: its id as long as it does, by the kernel's doing.
///
/// Whoever has the file mapped compares the word with what it once was: it differs as soon as the thread is dead, and
/// stays different when another one has claimed the file. The word is in a robust list of the thread, whose node is in
/// private memory; `set_robust_list(2)`.
package struct LifeFile: ~Copyable {
    /// The file, writable.
    package let file: MemoryFile
    /// The same file, opened read-only: what leaves the process.
    package let readOnlyFile: MemoryFile
    /// The file's page.
    private let mapping: Mapping

    /// The file's size: a page.
    package static var byteCount: Int { 4096 }

    /// The bit that the kernel sets when the thread dies; `FUTEX_OWNER_DIED`.
    package static var diedBit: UInt32 { UInt32(LINUXIPC_LIFE_DIED) }

    /// Makes a file that no thread has claimed; `memfd_create(2)`.
    package static func create() throws(Errno) -> LifeFile {
        let file = try MemoryFile.create(label: "sharedmem-life")
        try file.reserve(byteCount: byteCount)
        try file.seal()
        return try LifeFile(adopting: file)
    }

    /// Takes over a file of an earlier process; throws `wrongMediumType` if it can't be one.
    package init(adopting file: consuming MemoryFile) throws(Errno) {
        guard try file.byteCount() == Self.byteCount, try file.isSealed() else { throw .wrongMediumType }
        let mapping = try Mapping(of: file, byteCount: Self.byteCount, access: .readWrite, isPrivateToProcess: true)
        let readOnlyFile = try file.reopenedReadOnly()
        self.mapping = mapping
        self.readOnlyFile = readOnlyFile
        self.file = file
    }

    // Without the mapping the kernel couldn't mark the word when the thread dies, so it says so from now on.
    deinit { unsafe linuxipc_end_life(mapping.baseAddress.assumingMemoryBound(to: UInt32.self)) }

    /// Puts the calling thread's id into the word, until it dies or the value goes.
    ///
    /// A process claims one file, once.
    package borrowing func claim() throws(Errno) {
        let word = unsafe mapping.baseAddress.assumingMemoryBound(to: UInt32.self)
        try retryingWhenInterrupted { unsafe linuxipc_claim_life(word) }
    }
}
