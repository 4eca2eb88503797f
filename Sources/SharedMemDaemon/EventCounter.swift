internal import CSystemd
internal import Glibc
internal import LinuxIPC

/// A descriptor that becomes readable when somebody raises it: `eventfd(2)`.
struct EventCounter: ~Copyable, Sendable {
    /// For the event loop.
    let descriptor: FileDescriptor

    /// Makes one that isn't raised; `take` waits if `isBlocking`.
    init(isBlocking: Bool) throws(Errno) {
        let flags = CInt(EFD_CLOEXEC) | (isBlocking ? 0 : CInt(EFD_NONBLOCK))
        let raw = eventfd(0, flags)
        guard raw >= 0 else { throw Errno(rawValue: errno) }
        descriptor = FileDescriptor(owning: raw)
    }

    /// Makes it readable.
    borrowing func raise() {
        // Fails only when raised 2^64 - 1 times without being taken; it's readable then too.
        _ = eventfd_write(descriptor.rawValue, 1)
    }

    /// Makes it unreadable again, after waiting until it's raised if it was made so.
    borrowing func take() {
        var count: UInt64 = 0
        while unsafe eventfd_read(descriptor.rawValue, &count) != 0, errno == EINTR {}
    }
}
