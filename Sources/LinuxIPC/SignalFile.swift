internal import CLinuxIPC

/// Owns a file from which signals are read; `signalfd(2)`.
package struct SignalFile: ~Copyable, Sendable {
    /// The file's descriptor; readable when a signal is there.
    package let descriptor: FileDescriptor

    /// Blocks the signals in this thread, so that they are read here.
    package init(_ signals: [Int32]) throws(Errno) {
        let raw = try retryingWhenInterrupted { unsafe linuxipc_signal_file(signals, signals.count) }
        descriptor = FileDescriptor(owning: raw)
    }

    /// Takes the next signal, nil if none is there; `read(2)`.
    package borrowing func next() throws(Errno) -> Int32? {
        let raw = descriptor.rawValue
        do throws(Errno) {
            return try retryingWhenInterrupted { linuxipc_next_signal(raw) }
        } catch {
            guard error == .wouldBlock else { throw error }
            return nil
        }
    }
}
