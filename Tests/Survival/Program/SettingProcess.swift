internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A process that sets one key again and again from when it's told to, seen from the conductor.
struct SettingProcess {
    private let board: Board
    private let row: Board.Row
    /// The process.
    let process: ForkedProcess

    /// The words of its row.
    private enum Word {
        /// 1: it's attached; 2: it has ended its last set.
        static let state = 0
        /// 1: it sets; 2: it sets no more when its set returns.
        static let command = 1
        /// Sets that returned.
        static let count = 2
    }

    /// Starts it and waits until it's attached.
    init(_ scene: Scene, _ row: Board.Row, key: Int, fault: WatchingFault?) throws {
        for word in [Word.state, Word.command, Word.count] { row[word] = 0 }
        row.clear()
        board = scene.board
        self.row = row
        let parent = getpid()
        process = try ForkedProcess {
            do throws(Finding) {
                fault?.seed()
                try Self.run(scene, row, key, parent)
                return 0
            } catch {
                row.complain("a writer: \(error.description)")
                return 1
            }
        }
        try expect("a writer isn't ready") { row[Word.state] == 1 }
    }

    private static func run(_ scene: Scene, _ row: Board.Row, _ key: Int, _ parent: pid_t) throws(Finding) {
        let segment = try scene.open(.readWrite)
        row[Word.state] = 1
        scene.board.ring()
        while row[Word.command] == 0, getppid() == parent {
            _ = scene.board.wait(seconds: 1) { row[Word.command] != 0 }
        }
        let name = WatchedKeys.name(key)
        while row[Word.command] == 1 {
            let value = Payload.make(tag: WatchedKeys.tag(key), number: row[Word.count], byteCount: 64)
            _ = try call("set of '\(name)'") { () throws(SharedMemError) in try segment.set(name, to: value) }
            row[Word.count] += 1
        }
        row[Word.state] = 2
        scene.board.ring()
        while getppid() == parent { _ = scene.board.wait(seconds: 1) { false } }
    }

    /// Has it set, and waits until it has done so once.
    func begin() throws(Finding) {
        row[Word.command] = 1
        board.ring()
        try expect("a writer doesn't set") { row[Word.count] > 0 }
    }

    /// Has it set no more than it has begun.
    func end() { row[Word.command] = 2 }

    /// Waits until its last set has returned.
    func expectEnd() throws(Finding) { try expect("a writer's set doesn't return") { row[Word.state] == 2 } }

    /// Stops it wherever it is, and returns when it stands.
    func stop() throws {
        try process.send(SIGSTOP)
        try expect("a writer doesn't stop") { Kernel.state(of: process.identifier) == UInt8(ascii: "T") }
    }

    private func expect(_ failure: String, _ condition: () -> Bool) throws(Finding) {
        let holds = try board.wait(seconds: 60) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding(complaint) }
            return condition()
        }
        guard holds else { throw Finding(failure + " within 60 s") }
    }
}
