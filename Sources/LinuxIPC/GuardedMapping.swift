internal import CLinuxIPC

/// Owns a mapping whose missing pages read as zeros instead of ending the process.
///
/// Who may write a memory file can punch a hole into it; when the machine has no memory to fill the hole, touching it is
/// a SIGBUS. Here a private page of zeros then takes its place, in this process alone, and `isDamaged` says so.
package struct GuardedMapping: ~Copyable, Sendable {
    /// The mapping.
    package let mapping: Mapping
    /// Its guard.
    private let guardNumber: Int32

    /// Has the signal handled from here on, in this process; `sigaction(2)`.
    package static func catchMissingPages() throws(Errno) {
        try retryingWhenInterrupted { linuxipc_catch_missing_pages() }
    }

    /// Pages that were replaced in any guarded mapping of this process.
    package static var replacedPageCount: UInt32 { linuxipc_replaced_pages(-1) }

    /// Maps the first `byteCount` bytes of `file` for loads and stores, kept from children and dumps; `mmap(2)`.
    ///
    /// Throws `noSpace` when 8,192 mappings are guarded already.
    package init(of file: borrowing MemoryFile, byteCount: Int) throws(Errno) {
        let mapping = try Mapping(of: file, byteCount: byteCount, access: .readWrite, isPrivateToProcess: true)
        guardNumber = try retryingWhenInterrupted { unsafe linuxipc_guard(mapping.baseAddress, byteCount) }
        self.mapping = mapping
    }

    deinit { linuxipc_unguard(guardNumber) }

    /// Whether a page of this mapping was replaced: what is read isn't what the file holds.
    package var isDamaged: Bool { linuxipc_replaced_pages(guardNumber) > 0 }
}
