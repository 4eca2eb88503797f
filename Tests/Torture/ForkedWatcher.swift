internal import ArgumentParser
internal import Glibc
internal import SharedMem
internal import TestSupport

/// Forks while it watches: parent and child go on with the same objects.
struct ForkedWatcher: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fork while watching; the child registers anew, the parent notices nothing.", shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    /// The longest wait: s.
    private static let patience = 60

    func run() throws {
        let segment = try Segment.open("default", socketPath: socket)
        let setter = try Segment.open("default", socketPath: socket)
        let key = try segment.watch("key")
        let all = try segment.watch(prefix: "")
        try setter.set("other", to: [UInt8]([1]))
        guard try all.next(timeout: .seconds(Self.patience)) != nil else { throw ExitCode(2) }
        let child = try ForkedProcess {
            do throws(SharedMemError) {
                // The child's own change comes over its own registrations.
                try setter.set("key", to: [UInt8]([1]))
                guard let changes = try key.next(timeout: .seconds(Self.patience)), changes.changes.count == 1 else {
                    return 3
                }
                guard let found = try all.next(timeout: .seconds(Self.patience)), found.isListing,
                    found.changes.count == 2
                else { return 4 }
                // No thread of the parent's is here; an event descriptor begins one.
                guard !Watch.isThreadRunning else { return 5 }
                guard try Self.isReadable(all.eventDescriptor()), try all.poll() == nil, Watch.isThreadRunning else {
                    return 6
                }
                try setter.set("key", to: [UInt8]([2]))
                guard try Self.isReadable(all.eventDescriptor()) else { return 7 }
                return try all.poll() != nil ? 0 : 8
            } catch {
                return 9
            }
        }
        guard try child.waitUntilEnd() == .exit(0) else { throw ExitCode(4) }
        guard try key.next(timeout: .seconds(Self.patience))?.changes.count == 1 else { throw ExitCode(5) }
        // The child's death may be a reason to list.
        guard try all.next(timeout: .seconds(Self.patience)) != nil else { throw ExitCode(6) }
        print("child watched by itself; parent goes on")
    }

    /// Whether a descriptor becomes readable in time.
    private static func isReadable(_ descriptor: Int32) -> Bool {
        var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&query, 1, Int32(patience) * 1000) == 1
    }
}
