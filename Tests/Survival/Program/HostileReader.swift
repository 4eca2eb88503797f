internal import Glibc
internal import SharedMemStore
internal import TestSupport

/// A process that may only read, and lets nobody sleep where he lay down.
struct HostileReader {
    private let process: ForkedProcess
    private let row: Board.Row

    /// Starts it and waits until it's at work.
    init(_ scene: Scene, _ row: Board.Row, seed: UInt64) throws {
        self.row = row
        row[0] = 0
        row.clear()
        let parent = getpid()
        process = try ForkedProcess {
            do {
                try Self.run(scene, row, seed, parent)
                return 0
            } catch {
                row.complain("a hostile reader: \(error)")
                return 1
            }
        }
        let isReady = try scene.board.wait(seconds: 60) { () throws(Finding) in
            try check()
            return row[0] > 0
        }
        guard isReady else { throw Finding("a hostile reader doesn't begin within 60 s") }
    }

    private static func run(_ scene: Scene, _ row: Board.Row, _ seed: UInt64, _ parent: pid_t) throws {
        let reader = try RawReader(segment: scene.segmentName, socketPath: scene.socketPath)
        var random = SplitMix(seed: seed)
        while getppid() == parent {
            for index in 0..<NotifyWords.limit {
                switch random.next() % 16 {
                case 0: reader.wakeSleeper(of: index)
                case 1: try reader.moveSleepers(of: index, to: Int(random.next() % UInt64(NotifyWords.limit)))
                case 2: reader.sleep(on: index, nanoseconds: 10_000)
                default: try reader.takeAwaySleepers(of: index)
                }
            }
            row[0] += 1
        }
    }

    /// Rounds through all words so far.
    var roundCount: UInt64 { row[0] }

    /// Throws what it found.
    func check() throws(Finding) { if let complaint = row.complaint { throw Finding(complaint) } }

    /// Ends it.
    func abandon() throws {
        try process.kill()
        _ = try process.waitUntilEnd()
    }
}
