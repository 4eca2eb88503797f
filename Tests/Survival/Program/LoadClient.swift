internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import TestSupport

/// A fault of a client, which the load must find.
enum LoadFault: String, CaseIterable {
    /// One set of a key in fifty is only claimed.
    case acknowledgement
}

/// One client of the load: works until it's told to stop, or until it has found something.
struct LoadClient {
    /// Rounds between two questions to the daemon, and between two segments of its own.
    private static let roundsBetweenQuestions: UInt64 = 64
    private static let roundsBetweenSegments: UInt64 = 512

    private let number: Int
    private let plan: LoadPlan
    private let row: LoadRow
    private let board: Board
    private var timer = CallTimer()

    init(_ number: Int, _ plan: LoadPlan, board: Board) {
        self.number = number
        self.plan = plan
        self.board = board
        row = LoadRow(board.row(number))
    }

    /// Works; returns the process's exit code.
    mutating func run(until isOver: () -> Bool, fault: LoadFault?) -> Int32 {
        do throws(Finding) {
            try work(until: isOver, fault)
            return 0
        } catch {
            row.complain("client \(number), call \(timer.callCount + 1): \(error.description)")
            return 1
        }
    }

    private mutating func work(until isOver: () -> Bool, _ fault: LoadFault?) throws(Finding) {
        let socket = plan.socket
        let session = try call("connecting") { () throws(SharedMemError) in try Session(socketPath: socket) }
        var places: [LoadPlace] = []
        let neighbour = plan.segments <= plan.clients ? neighbourInSegment() : number
        for (index, segment) in plan.segments(of: number).enumerated() {
            places.append(
                try LoadPlace(
                    session, name: plan.segmentName(segment), client: number, neighbour: neighbour, number: index,
                    row: row, isAlsoReader: index == 0,
                    largest: Int(min(65_536, plan.size / 16)), lastGeneration: 1 + plan.moves, fault: fault))
        }
        var random = SplitMix(seed: plan.seed &* 1000 &+ UInt64(number))
        var round: UInt64 = 0
        while !isOver() {
            // All segments first, so that a round of the row means each of them.
            for index in places.indices {
                try places[index].cycle(&random, timer: &timer)
                round += 1
                if round % Self.roundsBetweenQuestions == UInt64(number) % Self.roundsBetweenQuestions {
                    try places[index].checkInfo(session, timer: &timer)
                }
                if plan.churn, round % Self.roundsBetweenSegments == 0 { try useOwnSegment(session) }
            }
            row.cycleCount += 1
            row.callCount = timer.callCount
            row.longestCall = timer.longestCall
            if plan.rest > 0 { usleep(plan.rest * 1000) }
        }
    }

    /// The next client in the same segment.
    private func neighbourInSegment() -> Int {
        let next = number + plan.segments
        return next < plan.clients ? next : number % plan.segments
    }

    /// Makes a segment, uses and removes it.
    private mutating func useOwnSegment(_ session: Session) throws(Finding) {
        let name = "own-\(number)"
        var options = SegmentOptions()
        options.byteCount = 64 << 10
        try timer.time("creating '\(name)'") { () throws(SharedMemError) in
            try session.create(name, options: options)
        }
        let value = try timer.time("using '\(name)'") { () throws(SharedMemError) in
            let segment = try session.open(name)
            try segment.set("key", to: [1])
            return try segment.get("key")
        }
        guard value == [1] else { throw Finding("lost: the new segment '\(name)' hasn't the value that was set") }
        try timer.time("removing '\(name)'") { () throws(SharedMemError) in try session.remove(name) }
    }
}
