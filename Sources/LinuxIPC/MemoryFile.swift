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
        // The kernel makes it 0777, or 0666 with MFD_NOEXEC_SEAL, and another uid could turn a read-only descriptor into a writable one.
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

    /// The bytes that one call allocates: a signal undoes a call, and smaller steps keep what was reached.
    private static var stepByteCount: Int { 64 << 20 }

    /// Makes the file `byteCount` zero bytes long and takes the memory for all of them, or throws and leaves it empty;
    /// `fallocate(2)`.
    ///
    /// More than the machine has is `noMemory` at once. Less than that, but more than is free, isn't refused: the kernel
    /// then makes room by whatever means it has, so the caller bounds the sum of its files.
    package borrowing func reserve(byteCount: Int) throws(Errno) {
        guard byteCount > 0 else { throw .invalidArgument }
        // The kernel would fill all memory, kill for it and only then say so.
        guard try UInt64(byteCount) <= SystemMemory.current().totalByteCount else { throw .noMemory }
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { ftruncate(raw, byteCount) }
        do throws(Errno) {
            for offset in stride(from: 0, to: byteCount, by: Self.stepByteCount) {
                let length = min(Self.stepByteCount, byteCount - offset)
                try retryingWhenInterrupted { linuxipc_allocate(raw, offset, length) }
            }
        } catch {
            // What was allocated before the failure would stay taken until the file is closed.
            try retryingWhenInterrupted { ftruncate(raw, 0) }
            throw error
        }
    }

    /// Gives the memory of everything from `offset` on back, which reads as zeros then; the size stays; `fallocate(2)`.
    ///
    /// The kernel does so for part of a page by clearing it.
    package borrowing func punch(from offset: Int) throws(Errno) {
        let count = try byteCount() - offset
        guard offset >= 0, count > 0 else { throw .invalidArgument }
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { linuxipc_punch(raw, offset, count) }
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
