internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// A segment of a test's own, and the board beside it.
///
/// Processes are forked from a conductor that isn't connected, so that none inherits a connection.
final class Scene: Sendable {
    /// Where the daemon listens.
    let socketPath: String
    /// The segment.
    let segmentName: String
    /// What conductor and processes share.
    let board: Board

    /// Makes the segment, in a process of its own.
    init(socketPath: String, segmentName: String, byteCount: UInt64) throws {
        self.socketPath = socketPath
        self.segmentName = segmentName
        board = try Board(rowCount: 8, wordCount: max(Holder.wordCount, Successor.wordCount))
        try apart { (session) throws(SharedMemError) in
            var options = SegmentOptions()
            options.byteCount = byteCount
            try session.create(segmentName, options: options)
        }
    }

    /// A part of the board for one process.
    func row(_ index: Int) -> Board.Row { board.row(index) }

    /// Runs `body` with a session, in a process of its own.
    func apart(_ body: (Session) throws(SharedMemError) -> Void) throws {
        let row = board.row(7)
        row.clear()
        let process = try ChildProcess {
            do throws(SharedMemError) {
                try body(try Session(socketPath: socketPath))
                return 0
            } catch {
                row.complain("\(error)")
                return 1
            }
        }
        guard try process.waitUntilEnd() == .exit(0) else { throw Finding(row.complaint ?? "a process died") }
    }

    /// The segment's generation.
    func generation() throws -> UInt64 {
        let row = board.row(6)
        try apart { (session) throws(SharedMemError) in row[0] = try session.info(of: segmentName).generation }
        return row[0]
    }

    /// Checks the segment's generation.
    func expectGeneration(_ expected: UInt64) throws {
        let found = try generation()
        guard found == expected else { throw Finding("the segment is in generation \(found), not \(expected)") }
    }

    /// Holds the segment against its invariants.
    func audit() throws {
        try apart { (session) throws(SharedMemError) in _ = try session.open(segmentName).audit() }
    }

    /// Removes the segment.
    func remove() throws {
        try apart { (session) throws(SharedMemError) in try session.remove(segmentName) }
    }
}
