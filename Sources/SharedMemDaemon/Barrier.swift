internal import LinuxIPC
internal import SharedMemBroker

/// What has to wait until the service manager has done what was sent to it.
final class Barrier {
    /// What then has happened.
    let events: [Broker.Event]
    /// Hangs up when it's done.
    private let descriptor: FileDescriptor
    /// The loop's interest; goes before the descriptor is closed.
    private var source: EventLoop.Source?
    /// Ends the wait.
    private var limit: EventLoop.Source?

    /// How long it may take: systemd needs 3 ms for 2,000 descriptors.
    private static let milliseconds: UInt64 = 10_000

    /// Waits for the end of `descriptor`.
    init(
        _ number: UInt64, _ descriptor: consuming FileDescriptor, events: [Broker.Event], loop: borrowing EventLoop
    ) throws(Errno) {
        source = try loop.watch(descriptor, as: .barrier(number))
        limit = try loop.timer(milliseconds: Self.milliseconds, as: .barrier(number))
        self.descriptor = descriptor
        self.events = events
    }

    deinit { source = nil }
}
