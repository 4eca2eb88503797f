internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import TestSupport

/// Kills writers that have the lock word, and measures how soon the next writer has it.
struct Deaths: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill writers that have the lock word; the next writer must get it.",
        discussion: """
            Every other writer is killed while it sets a key again and again under the lock. One next writer in four \
            comes only after the death, the others wait already. The time runs from the moment that the pidfd of the \
            killed one is readable to the next writer's success.
            """)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Writers to kill.")
    var count = 100

    @Option(help: "Bytes of the segment.")
    var size: UInt64 = 1 << 20

    @Option(help: "A command that prints the daemon's pid.")
    var serverPid: String?

    @Flag(help: "Kill the daemon at the same moment; needs --server-pid.")
    var withServer = false

    @Flag(help: "Stop the daemon first, a fault that must then be found; needs --server-pid.")
    var stopServer = false

    @Option(help: "How long the next writer may take, in seconds.")
    var limit = 60

    func validate() throws {
        guard !withServer && !stopServer || serverPid != nil else {
            throw ValidationError("--with-server and --stop-server need --server-pid")
        }
    }

    func run() throws {
        let scene = try Finding.reported {
            try Scene(socketPath: socket, segmentName: "deaths-\(getpid())", byteCount: size)
        }
        let next = try Finding.reported { try Successor(scene, row: scene.row(0)) }
        var times: [Time] = []
        try Finding.reported {
            defer { next.abandon() }
            defer { if stopServer { resumeServer() } }
            var number: UInt64 = 1
            for turn in 1...UInt64(count) {
                let round = try self.round(turn, scene, next, &number)
                if let round { times.append(round) }
            }
        }
        try Finding.reported {
            try scene.expectGeneration(1)
            try scene.audit()
            try scene.remove()
        }
        print(Self.text(times, killed: count, withServer: withServer))
    }

    /// How long it took until the next writer's success, in nanoseconds.
    private struct Time {
        /// From the moment that the pidfd of the killed one was seen to be readable; the daemon may see it earlier.
        let sinceDeath: UInt64
        /// From the kill.
        let sinceKill: UInt64
    }

    /// Kills one writer; returns the time until the next one's success if that waited before.
    private func round(_ turn: UInt64, _ scene: Scene, _ next: Successor, _ number: inout UInt64) throws -> Time? {
        let isSetting = turn % 2 == 0
        let isLate = turn % 4 == 3
        let holder = try Holder(scene, row: scene.row(1), isSetting ? .setting : .keeping, number: number)
        if !isLate {
            next.begin(turn)
            try holder.expect("nobody waits for the lock word") { holder.seesWaiter }
        }
        // Looked up before, so that both die at one moment, one or the other first.
        let server = withServer || stopServer ? try self.server() : nil
        if stopServer, let server { kill(server, SIGSTOP) }
        let start = SystemClock.monotonic()
        if withServer, turn % 3 != 0, let server { kill(server, SIGKILL) }
        let death = try holder.kill()
        if withServer, turn % 3 == 0, let server { kill(server, SIGKILL) }
        if isLate { next.begin(turn) }
        let success = try next.expect(turn, seconds: limit)
        if isSetting {
            let acknowledged = holder.lastNumber
            guard success.found == acknowledged || success.found == acknowledged + 1 else {
                throw Finding(
                    "lost: the key has value \(success.found), \(acknowledged) was set by a writer that was killed")
            }
            number = success.found + 1
        }
        if isLate { return nil }
        return Time(
            sinceDeath: success.time > death ? success.time - death : 0,
            sinceKill: success.time > start ? success.time - start : 0)
    }

    /// The process that serves, which may be between two lives; nil: none is to be touched.
    private func server() throws(Finding) -> pid_t? {
        guard let serverPid else { return nil }
        let start = SystemClock.monotonic()
        while SystemClock.monotonic() - start < 60_000_000_000 {
            let pid = try Shell.number(printedBy: serverPid)
            if pid > 0, kill(pid, 0) == 0 { return pid }
            usleep(1000)
        }
        throw Finding("no daemon runs for a minute")
    }

    private func resumeServer() {
        do throws(Finding) {
            if let server = try server() { kill(server, SIGCONT) }
        } catch {
            print("the daemon couldn't be resumed: \(error)")
        }
    }

    private static func text(_ times: [Time], killed: Int, withServer: Bool) -> String {
        "\(killed) writers killed with the lock\(withServer ? ", the daemon too" : ""): the next one has it after"
            + " \(quantiles(times.map(\.sinceDeath))) since the pidfd was readable,"
            + " \(quantiles(times.map(\.sinceKill))) since the kill"
    }

    /// Median, 99th percentile and most.
    private static func quantiles(_ times: [UInt64]) -> String {
        let sorted = times.sorted()
        func at(_ share: Double) -> String {
            guard let last = sorted.indices.last else { return "-" }
            let micros = sorted[min(last, Int(Double(sorted.count) * share))] / 1000
            return "\(micros / 1000).\(String(1000 + micros % 1000).dropFirst())"
        }
        return "\(at(0.5)) ms (median), \(at(0.99)) (p99), \(at(1)) (most)"
    }
}
