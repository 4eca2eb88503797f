public import CLinuxIPC

/// Owns an open file descriptor and closes it at the end of its life.
@usableFromInline package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for a poll or an event loop while the owner lives.
    @usableFromInline package private(set) var rawValue: CInt

    /// Takes over a descriptor that nobody else closes.
    package init(owning raw: CInt) { self.rawValue = raw }

    // Linux has closed the descriptor even when close(2) reports an error.
    @inlinable deinit { if rawValue >= 0 { _ = close(rawValue) } }

    /// Gives the descriptor to the caller, who closes it.
    package consuming func release() -> CInt {
        let raw = rawValue
        // `discard self` isn't there for the Embedded build.
        rawValue = -1
        return raw
    }

    /// Makes another descriptor of the same open file, closed on exec; `fcntl(2)`.
    package borrowing func duplicated() throws(Errno) -> FileDescriptor {
        let raw = rawValue
        return FileDescriptor(owning: try retryingWhenInterrupted { linuxipc_duplicate(raw) })
    }
}
