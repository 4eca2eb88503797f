internal import LinuxIPC
internal import SharedMemBroker

/// A process whose death the daemon has to know of, shared by all of its connections and sessions.
final class WatchedProcess {
    /// Which one.
    let identity: ProcessIdentity
    /// Readable when it's dead.
    private let descriptor: ProcessDescriptor
    /// The loop's interest; goes before the descriptor is closed.
    private var source: EventLoop.Source?

    /// Watches a process.
    init(
        _ identity: ProcessIdentity, _ descriptor: consuming ProcessDescriptor, loop: borrowing EventLoop
    ) throws(Errno) {
        source = try loop.watch(descriptor.descriptor, as: .process(identity), isUrgent: true)
        self.identity = identity
        self.descriptor = descriptor
    }

    deinit { source = nil }

    /// Whether it's dead now.
    var isDead: Bool {
        get throws(Errno) { try descriptor.isDead() }
    }
}

extension ProcessIdentity {
    /// Tells who the process of a descriptor is.
    init(_ descriptor: borrowing ProcessDescriptor, pid: Int32) throws(Errno) {
        self.init(pid: pid, mark: try descriptor.mark(ofPID: pid))
    }
}
