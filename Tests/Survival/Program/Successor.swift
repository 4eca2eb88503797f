internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A process that is attached by the library and sets a key each time it's told to, seen from the conductor.
struct Successor {
    /// The words of its row.
    private enum Word {
        /// Not 0: it's attached.
        static let state = 0
        /// The turn that it's told to take.
        static let turn = 1
        /// The last turn that it has taken.
        static let done = 2
        /// When it had set, on the monotonic clock.
        static let time = 3
        /// The version that it set.
        static let version = 4
        /// The number of the holder's value then.
        static let found = 5
    }

    /// The key that it sets.
    static let tag = Payload.tag(client: 1001, key: 0)

    private let board: Board
    private let row: Board.Row
    private let process: ForkedProcess

    /// Starts it and waits until it's attached.
    init(_ scene: Scene, row: Board.Row) throws {
        let board = scene.board
        self.board = board
        self.row = row
        let parent = getpid()
        process = try ForkedProcess {
            do throws(Finding) {
                try Self.run(scene, row, parent)
                return 0
            } catch {
                row.complain("the next writer: \(error.description)")
                return 1
            }
        }
        guard try waits(seconds: 60, until: { row[Word.state] != 0 }) else {
            throw Finding("the next writer couldn't attach within 60 s")
        }
    }

    private static func run(_ scene: Scene, _ row: Board.Row, _ parent: pid_t) throws(Finding) {
        let segment = try call("opening the segment") { () throws(SharedMemError) in
            try Segment.open(scene.segmentName, socketPath: scene.socketPath)
        }
        // Those who wait for it have limits of their own.
        segment.lockTimeoutMilliseconds = 300_000
        row[Word.state] = 1
        scene.board.ring()
        var version: UInt64 = 0
        var last: UInt64 = 0
        while getppid() == parent {
            guard scene.board.wait(seconds: 1, until: { row[Word.turn] > last }) else { continue }
            let turn = row[Word.turn]
            let value = Payload.make(tag: tag, number: turn, byteCount: 64)
            let next = try call("set") { () throws(SharedMemError) in
                try segment.set(Payload.name(tag), to: value)
            }
            row[Word.time] = SystemClock.monotonic()
            guard next > version else { throw Finding("version \(next) was issued after \(version)") }
            version = next
            let found = try call("get") { () throws(SharedMemError) in
                try segment.get(Payload.name(Holder.tag))
            }
            row[Word.found] =
                try found.map { (value) throws(Finding) in
                    try Payload.number(of: value, tag: Holder.tag)
                } ?? 0
            row[Word.version] = version
            last = turn
            row[Word.done] = turn
            scene.board.ring()
        }
    }

    /// Tells it to set its key; returns at once.
    func begin(_ turn: UInt64) {
        row[Word.turn] = turn
        board.ring()
    }

    /// Whether the set of that turn has returned.
    func hasDone(_ turn: UInt64) -> Bool { row[Word.done] >= turn }

    /// What it saw when its set had returned.
    struct Success {
        /// When it had the lock and had set, on the monotonic clock.
        let time: UInt64
        /// The number of the holder's value then; 0: none.
        let found: UInt64
    }

    /// Waits until the set of that turn has returned, so many seconds at most.
    func expect(_ turn: UInt64, seconds: Int) throws(Finding) -> Success {
        guard try waits(seconds: seconds, until: { hasDone(turn) }) else {
            throw Finding("the next writer didn't get the lock within \(seconds) s")
        }
        return Success(time: row[Word.time], found: row[Word.found])
    }

    private func waits(seconds: Int, until condition: () -> Bool) throws(Finding) -> Bool {
        try board.wait(seconds: seconds) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding(complaint) }
            return condition()
        }
    }

    /// Ends it at the end of a test.
    func abandon() {
        kill(process.identifier, SIGKILL)
        do {
            _ = try process.waitUntilEnd()
        } catch {
            print("the next writer couldn't be ended: \(error)")
        }
    }
}
