internal import ArgumentParser
internal import Glibc
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Many watches in many processes: a set wakes those of its key's stripe and of the segment, and nobody else.
struct Crowd: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Set one key beside 10,000 watches in 100 processes; only those of its stripe and of the segment are woken.",
        discussion: """
            Each process watches 100 keys of 4 of the 64 stripes; four more watch the whole segment. The key is set again \
            and again, each time when everybody was told who is to be told.
            """)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Processes that watch keys.")
    var processes = 100

    @Option(help: "Watches of each.")
    var watches = 100

    @Option(help: "How often the key is set.")
    var sets = 200

    @Flag(help: "Everybody is woken after each set, a fault that must then be found.")
    var wakeAll = false

    /// Processes that watch the whole segment.
    private static let segmentProcessCount = 4

    func validate() throws {
        guard (1...1000).contains(processes), (1...1000).contains(watches) else {
            throw ValidationError("--processes and --watches are 1 to 1000, not \(processes) and \(watches)")
        }
    }

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(socketPath: socket, segmentName: "crowd-\(getpid())", byteCount: 4 << 20)
        let count = processes + Self.segmentProcessCount
        let board = try Board(rowCount: count, wordCount: 4)
        let rows = (0..<count).map { CrowdProcess.Row(board.row($0)) }
        var crowd: [ForkedProcess] = []
        do {
            for number in 0..<count { crowd.append(try start(scene, number, rows[number])) }
            let isReady = try board.wait(seconds: 120) { () throws(Finding) in
                for row in rows { if let complaint = row.complaint { throw Finding(complaint) } }
                return rows.allSatisfy(\.isReady)
            }
            guard isReady else { throw Finding("the crowd doesn't watch within 120 s") }
            let text = try set(scene, board, rows, crowd)
            try Self.end(crowd)
            try scene.remove()
            return text
        } catch {
            try Self.end(crowd)
            throw error
        }
    }

    private func start(_ scene: Scene, _ number: Int, _ row: CrowdProcess.Row) throws -> ForkedProcess {
        row.clear()
        let parent = getpid()
        let keyCount = number < processes ? watches : nil
        return try ForkedProcess {
            do throws(Finding) {
                var process = try CrowdProcess(scene, number, keyCount: keyCount, row, parent: parent)
                try process.run()
                return 0
            } catch {
                row.complain("process \(number) of the crowd: \(error.description)")
                return 1
            }
        }
    }

    private static func end(_ crowd: [ForkedProcess]) throws {
        for process in crowd {
            try process.kill()
            _ = try process.waitUntilEnd()
        }
    }

    /// Sets the key and holds everybody's counts against what they should be.
    private func set(
        _ scene: Scene, _ board: Board, _ rows: [CrowdProcess.Row], _ crowd: [ForkedProcess]
    ) throws -> String {
        let key = "crowd-0"
        let client = try RawClient(segment: scene.segmentName, socketPath: socket)
        // This process has no connection of the library that a fork could inherit: all are forked.
        let segment = try call("opening the segment") { () throws(SharedMemError) in
            try Segment.open(scene.segmentName, socketPath: socket)
        }
        let stripe = try CrowdProcess.stripe(of: key, in: segment)
        let concerned = rows.indices.filter { $0 >= processes || rows[$0].stripes >> UInt64(stripe) & 1 != 0 }
        let others = rows.indices.filter { !concerned.contains($0) }
        let before = try crowd.map { (process) throws(Finding) in try Kernel.switchCount(of: process.identifier) }
        for number in 0..<sets {
            let counts = rows.map(\.wakeUpCount)
            try call("set of '\(key)'") { () throws(SharedMemError) in
                _ = try segment.set(key, to: [UInt8(truncatingIfNeeded: number)])
            }
            if wakeAll { try client.notifyEverything() }
            let isTold = try board.wait(seconds: 60) { () throws(Finding) in
                for row in rows { if let complaint = row.complaint { throw Finding(complaint) } }
                return concerned.allSatisfy { rows[$0].wakeUpCount > counts[$0] }
            }
            guard isTold else {
                let late = concerned.filter { rows[$0].wakeUpCount == counts[$0] }
                throw Finding(
                    "processes \(late) watch the stripe of '\(key)' or the segment, and weren't woken by set \(number)")
            }
        }
        let switches = try crowd.indices.map { (index) throws(Finding) in
            try Kernel.switchCount(of: crowd[index].identifier) - before[index]
        }
        for index in others where rows[index].wakeUpCount != 0 {
            throw Finding(
                "process \(index) was woken \(rows[index].wakeUpCount) times, and watches nothing in the stripe of '\(key)'"
            )
        }
        for index in rows.indices.suffix(Self.segmentProcessCount) where rows[index].newsCount == 0 {
            throw Finding("process \(index) watches the segment and was told of nothing")
        }
        return
            "\(rows.count) processes, \(processes * watches) watches, \(sets) sets: \(concerned.count) processes were"
            + " woken each time, \(others.count) never; they slept \(Self.mean(switches, concerned)) and"
            + " \(Self.mean(switches, others)) times each"
    }

    private static func mean(_ counts: [Int], _ indices: [Int]) -> Int {
        indices.isEmpty ? 0 : indices.reduce(0) { $0 + counts[$1] } / indices.count
    }
}
