internal import CLinuxIPC

/// Owns a file that is readable from the moment it's signalled until it's cleared; `eventfd(2)`.
package struct EventFile: ~Copyable, Sendable {
    /// The file's descriptor, for a poll or an event loop.
    package let descriptor: FileDescriptor

    /// Makes a file that isn't readable; closed on exec.
    package static func make() throws(Errno) -> EventFile {
        EventFile(descriptor: FileDescriptor(owning: try retryingWhenInterrupted { linuxipc_event_file() }))
    }

    /// Makes the file readable; from any thread.
    package borrowing func signal() {
        // Fails for a descriptor that somebody else has closed, and for nothing else.
        _ = linuxipc_signal_event(descriptor.rawValue)
    }

    /// Makes the file unreadable, if it was readable; from any thread.
    package borrowing func clear() { _ = linuxipc_clear_event(descriptor.rawValue) }
}
