internal import CLinuxIPC

/// Owns a memory file: unnamed memory that lives as long as somebody has it open or mapped.
package struct MemoryFile: ~Copyable, Sendable {
    /// The file's descriptor.
    package let descriptor: FileDescriptor

    /// Takes over a memory file that was received.
    package init(adopting descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Makes an empty file that only its owner's uid can open again; `label` shows in /proc; `memfd_create(2)`.
    package static func create(label: String) throws(Errno) -> MemoryFile {
        let raw = try retryingWhenInterrupted { unsafe linuxipc_memfd_create(label) }
        let file = MemoryFile(adopting: FileDescriptor(owning: raw))
        // The kernel makes it 0777, and another uid could turn a read-only descriptor into a writable one.
        try file.setMode(0o600)
        return file
    }

    /// Gives the descriptor to the caller.
    package consuming func takeDescriptor() -> FileDescriptor { descriptor }

    /// Sets the permission bits; `fchmod(2)`.
    borrowing func setMode(_ mode: UInt32) throws(Errno) {
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { fchmod(raw, mode) }
    }

    /// Makes the file `byteCount` zero bytes long and takes the memory for all of them, or throws and leaves it empty;
    /// `fallocate(2)`.
    package borrowing func reserve(byteCount: Int) throws(Errno) {
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { ftruncate(raw, byteCount) }
        do {
            try retryingWhenInterrupted { linuxipc_allocate(raw, byteCount) }
        } catch {
            // What was allocated before the failure would stay taken until the file is closed.
            try retryingWhenInterrupted { ftruncate(raw, 0) }
            throw error
        }
    }

    /// Fixes the size for ever; `F_ADD_SEALS` in `fcntl(2)`.
    package borrowing func seal() throws(Errno) {
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { linuxipc_seal_size(raw) }
    }

    /// Tells whether the size is fixed; `F_GET_SEALS` in `fcntl(2)`.
    package borrowing func isSealed() throws(Errno) -> Bool {
        let raw = descriptor.rawValue
        return try retryingWhenInterrupted { linuxipc_is_size_sealed(raw) } == 1
    }

    /// Asks the kernel for the size; `fstat(2)`.
    package borrowing func byteCount() throws(Errno) -> Int { Int(try descriptor.status().byteCount) }

    /// Opens the same memory again, for reading only; `open(2)` of `/proc/self/fd`.
    package borrowing func reopenedReadOnly() throws(Errno) -> MemoryFile {
        let path = "/proc/self/fd/" + String(descriptor.rawValue)
        let raw = try retryingWhenInterrupted { unsafe linuxipc_open(path, O_RDONLY | O_CLOEXEC, 0) }
        return MemoryFile(adopting: FileDescriptor(owning: raw))
    }
}
