public import CLinuxIPC

/// Owns an open file descriptor and closes it at the end of its life.
@usableFromInline package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for a poll or an event loop while the owner lives.
    @usableFromInline package private(set) var rawValue: CInt

    /// In which process it is open, if forked children close their copies; nil: they keep them.
    @usableFromInline private(set) var forkCount: UInt32?

    /// Takes over a descriptor that nobody else closes.
    package init(owning raw: CInt) { self.rawValue = raw }

    // Linux has closed the descriptor even when close(2) reports an error.
    @inlinable deinit {
        guard rawValue >= 0 else { return }
        if let forkCount {
            // In a forked child the number may be somebody else's by now.
            guard forkCount == ForkCounter.current else { return }
            linuxipc_keep_in_children(rawValue)
        }
        _ = close(rawValue)
    }

    /// Makes each forked child close its copy at once; `pthread_atfork(3)`.
    ///
    /// A child would otherwise keep a connection open that its parent has closed, or died with.
    package mutating func closeInChildren() throws(Errno) {
        let raw = rawValue
        guard forkCount == nil else { return }
        try retryingWhenInterrupted { linuxipc_close_in_children(raw) }
        forkCount = ForkCounter.current
    }

    /// Gives the descriptor to the caller, who closes it.
    package consuming func release() -> CInt {
        let raw = rawValue
        if forkCount == ForkCounter.current { linuxipc_keep_in_children(raw) }
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
