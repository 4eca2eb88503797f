internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Takes the daemon and all that it kept away for good: a client must notice, and find the next daemon.
struct Orphan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Take the daemon away for good: clients go on for the grace time, then say so, then find the next one.",
        discussion: """
            A client sets and gets without pause in a segment that every daemon makes. The daemon ends with all that was \
            kept; the client must go on for some seconds and then fail with ENOTCONN until there is a daemon again, whose \
            segment it must then use. A second time the next daemon comes at once: no call may fail.
            """)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "A segment that the configuration names.")
    var segment = "default"

    @Option(help: "A command that ends the daemon and all that was kept.")
    var stop: String

    @Option(help: "A command that starts a daemon with nothing kept, and ends when it serves.")
    var start: String

    @Option(help: "The least seconds that a client must go on without a daemon.")
    var least = 3

    @Option(help: "The most seconds that a client may go on without a daemon, and take to find the next one.")
    var limit = 60

    @Flag(help: "A client that never looks, a fault that must then be found.")
    var blind = false

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let client = try OrphanedClient(segment: segment, socketPath: socket, isBlind: blind)
        defer { client.abandon() }
        try client.expect("it doesn't work at first", seconds: limit) { $0.successCount > 0 }

        let gone = SystemClock.monotonic()
        try Shell.run(stop)
        try client.expect("it has gone on for \(limit) s without a daemon: it doesn't look", seconds: limit) {
            $0.failureCount > 0
        }
        let firstFailure = client.firstFailure
        let time = firstFailure > gone ? (firstFailure - gone) / 1_000_000 : 0
        guard time >= UInt64(least) * 1000 else {
            throw Finding("it failed \(time) ms after the daemon ended; \(least) s at least are granted")
        }
        try Shell.run(start)
        try client.expectFresh(1, seconds: limit)

        let failures = client.failureCount
        try Shell.run(stop)
        try Shell.run(start)
        try client.expectFresh(2, seconds: limit)
        guard client.failureCount == failures else {
            throw Finding("\(client.failureCount - failures) calls failed although the next daemon came at once")
        }
        return "without a daemon a client goes on for \(time) ms, then finds the next one"
    }
}
