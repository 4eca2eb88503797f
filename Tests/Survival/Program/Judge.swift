internal import Glibc
internal import SharedMem
internal import TestSupport

/// A process that says what versions the watched keys have; it watches nothing.
struct Judge {
    private let board: Board
    private let row: WatchedRow
    private let process: ForkedProcess

    /// Starts it.
    init(_ scene: Scene, _ row: Board.Row) throws {
        let row = WatchedRow(row)
        row.clear()
        let parent = getpid()
        self.row = row
        board = scene.board
        process = try ForkedProcess {
            do throws(Finding) {
                try Self.run(scene, row, parent)
                return 0
            } catch {
                row.complain("the judge: \(error.description)")
                return 1
            }
        }
    }

    private static func run(_ scene: Scene, _ row: WatchedRow, _ parent: pid_t) throws(Finding) {
        let segment = try scene.open(.readOnly)
        while getppid() == parent {
            guard scene.board.wait(seconds: 1, until: { row.turn > row.done }) else { continue }
            for key in 0..<WatchedKeys.count {
                row[key] = try call("metadata of a key") { () throws(SharedMemError) in
                    try segment.metadata(WatchedKeys.name(key))?.version ?? 0
                }
            }
            row.done = row.turn
            scene.board.ring()
        }
    }

    /// The versions of all keys now; 0: a key isn't there.
    func versions() throws(Finding) -> [UInt64] {
        let turn = row.turn + 1
        row.turn = turn
        board.ring()
        let isDone = try board.wait(seconds: 60) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding(complaint) }
            return row.done == turn
        }
        guard isDone else { throw Finding("the judge doesn't read all keys within 60 s") }
        return (0..<WatchedKeys.count).map { row[$0] }
    }

    /// Ends it.
    func abandon() throws {
        try process.kill()
        _ = try process.waitUntilEnd()
    }
}
