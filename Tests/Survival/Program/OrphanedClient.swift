internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A process that sets and gets without pause and survives failures, seen from the conductor.
struct OrphanedClient {
    /// The words of its row.
    private enum Word {
        /// Rounds without a failure.
        static let successes = 0
        /// Calls that failed with ENOTCONN.
        static let failures = 1
        /// When the first one did, on the monotonic clock.
        static let firstFailure = 2
        /// The number of the value by which the conductor is recognised.
        static let fresh = 3
        /// All of them.
        static let all = 0..<4
    }

    /// The key by which the conductor is recognised.
    private static let tag = Payload.tag(client: 998, key: 0)

    private let segment: String
    private let socketPath: String
    private let board: Board
    private let row: Board.Row
    private let process: ForkedProcess

    /// Starts it; `isBlind`: without the library, so that it never looks after the daemon.
    init(segment: String, socketPath: String, isBlind: Bool) throws {
        self.segment = segment
        self.socketPath = socketPath
        let board = try Board(rowCount: 2, wordCount: Word.all.upperBound)
        let row = board.row(0)
        let parent = getpid()
        self.board = board
        self.row = row
        process = try ForkedProcess {
            do {
                if isBlind {
                    try Self.workBlindly(segment, socketPath, row, parent)
                } else {
                    try Self.work(segment, socketPath, row, parent)
                }
                return 0
            } catch {
                row.complain("\(error)")
                return 1
            }
        }
    }

    private static func work(_ name: String, _ socket: String, _ row: Board.Row, _ parent: pid_t) throws(Finding) {
        let segment = try call("opening '\(name)'") { () throws(SharedMemError) in
            try Segment.open(name, socketPath: socket)
        }
        var number: UInt64 = 0
        while getppid() == parent {
            number += 1
            do throws(SharedMemError) {
                try segment.set("orphan", to: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 64))
                let fresh = try segment.get(Payload.name(tag))
                if let fresh { row[Word.fresh] = Self.number(of: fresh) }
                row[Word.successes] += 1
            } catch {
                guard error.code == .notConnected else { throw Finding("a call failed otherwise: \(error)") }
                if row[Word.failures] == 0 { row[Word.firstFailure] = SystemClock.monotonic() }
                row[Word.failures] += 1
            }
            usleep(2000)
        }
    }

    /// The number in a payload; 0: it isn't one.
    private static func number(of value: [UInt8]) -> UInt64 {
        do throws(Finding) {
            return try Payload.number(of: value, tag: tag)
        } catch {
            return 0
        }
    }

    private static func workBlindly(_ name: String, _ socket: String, _ row: Board.Row, _ parent: pid_t) throws {
        let client = try RawClient(segment: name, socketPath: socket)
        let store = try client.store()
        var number: UInt64 = 0
        while getppid() == parent {
            number += 1
            try client.takeLock(store)
            try client.set(Payload.tag(client: 997, key: 0), to: number, byteCount: 64, in: store)
            _ = client.releaseLock(store)
            row[Word.successes] += 1
            usleep(2000)
        }
    }
}

// MARK: - The conductor's side

extension OrphanedClient {
    /// Rounds without a failure.
    var successCount: UInt64 { row[Word.successes] }

    /// Calls that failed with ENOTCONN.
    var failureCount: UInt64 { row[Word.failures] }

    /// When the first one did, on the monotonic clock.
    var firstFailure: UInt64 { row[Word.firstFailure] }

    /// Waits until a condition holds, so many seconds at most.
    func expect(_ failure: String, seconds: Int, _ condition: (OrphanedClient) -> Bool) throws(Finding) {
        let holds = try board.wait(seconds: seconds) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding("a client without a daemon: \(complaint)") }
            return condition(self)
        }
        guard holds else { throw Finding("a client without a daemon: \(failure)") }
    }

    /// Sets a value in the segment of the daemon that runs now, and waits until the client sees it.
    func expectFresh(_ number: UInt64, seconds: Int) throws {
        let other = board.row(1)
        other.clear()
        let setter = try ForkedProcess {
            do throws(SharedMemError) {
                let segment = try Segment.open(segment, socketPath: socketPath)
                try segment.set(
                    Payload.name(Self.tag), to: Payload.make(tag: Self.tag, number: number, byteCount: 64))
                return 0
            } catch {
                other.complain("\(error)")
                return 1
            }
        }
        guard try setter.waitUntilEnd() == .exit(0) else { throw Finding(other.complaint ?? "a process died") }
        try expect("it doesn't find the next daemon within \(seconds) s", seconds: seconds) {
            $0.row[Word.fresh] == number
        }
    }

    /// Ends it.
    func abandon() {
        kill(process.identifier, SIGKILL)
        do {
            _ = try process.waitUntilEnd()
        } catch {
            print("a client couldn't be ended: \(error)")
        }
    }
}
