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
    /// Values that `fill()` sets; also the words of a row.
    static let valueCount = 64

    /// Makes the segment, in a process of its own.
    init(socketPath: String, segmentName: String, byteCount: UInt64, wordCount: Int = Scene.valueCount) throws {
        self.socketPath = socketPath
        self.segmentName = segmentName
        board = try Board(rowCount: 8, wordCount: max(Self.valueCount, wordCount))
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
        let process = try ForkedProcess {
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

    /// Sets values that nobody changes.
    func fill() throws {
        let row = board.row(5)
        try apart { (session) throws(SharedMemError) in
            let segment = try session.open(segmentName)
            for index in 0..<Self.valueCount {
                let tag = Payload.tag(client: 999, key: index)
                let value = Payload.make(tag: tag, number: UInt64(index), byteCount: 16 + index * 100)
                row[index] = try segment.set(Payload.name(tag), to: value)
            }
        }
    }

    /// Looks for those values and their versions.
    func expectFilling() throws {
        let row = board.row(5)
        let finding = board.row(4)
        finding.clear()
        try apart { (session) throws(SharedMemError) in
            let segment = try session.open(segmentName, access: .readOnly)
            for index in 0..<Self.valueCount {
                let tag = Payload.tag(client: 999, key: index)
                let name = Payload.name(tag)
                let value = try segment.get(name)
                let version = try segment.metadata(name)?.version
                if value != Payload.make(tag: tag, number: UInt64(index), byteCount: 16 + index * 100) {
                    finding.complain("lost: '\(name)' has another value than was set")
                } else if version != row[index] {
                    finding.complain("'\(name)' has version \(version ?? 0), not \(row[index])")
                }
            }
        }
        if let text = finding.complaint { throw Finding(text) }
    }

    /// Removes the segment.
    func remove() throws {
        try apart { (session) throws(SharedMemError) in try session.remove(segmentName) }
    }
}
