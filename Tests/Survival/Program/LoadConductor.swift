internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import TestSupport

/// The clients of a load, and what is held against them.
final class LoadConductor {
    /// How long a client may take for two rounds, and how long a daemon until all clients are with it again, in seconds.
    private static let limit = 60

    private let plan: LoadPlan
    private let board: Board
    private var clients: [ForkedProcess] = []
    private var session: Session?
    /// The row behind those of the clients: what all are told.
    private var isOver: Board.Row { board.row(plan.clients) }

    init(_ plan: LoadPlan) throws {
        self.plan = plan
        let most = plan.segments(of: 0).count
        board = try Board(rowCount: plan.clients + 1, wordCount: LoadRow.wordCount(segmentCount: most))
    }

    /// Makes the segments, then starts the clients; this process has no connection then that they could inherit.
    func start(_ fault: LoadFault?) throws {
        let maker = try ForkedProcess {
            do throws(Finding) {
                try makeSegments()
                return 0
            } catch {
                isOver.complain(error.description)
                return 1
            }
        }
        guard try maker.waitUntilEnd() == .exit(0) else {
            throw Finding(isOver.complaint ?? "the process that makes the segments died")
        }
        for number in 0..<plan.clients {
            clients.append(
                try ForkedProcess {
                    let over = isOver
                    var client = LoadClient(number, plan, board: board)
                    return client.run(until: { over[0] != 0 }, fault: fault)
                })
        }
    }

    private func makeSegments() throws(Finding) {
        let socket = plan.socket
        let session = try call("connecting") { () throws(SharedMemError) in try Session(socketPath: socket) }
        var options = SegmentOptions()
        options.byteCount = plan.size
        for number in 0..<plan.segments {
            let name = plan.segmentName(number)
            try call("creating '\(name)'") { () throws(SharedMemError) in
                try session.create(name, options: options)
            }
        }
    }

    /// Waits until each client has been through two more whole rounds, of which one began after this call.
    func expectProgress() throws {
        let rows = (0..<plan.clients).map { LoadRow(board.row($0)) }
        let goals = rows.map { $0.cycleCount + 2 }
        let hasProgress = try board.wait(seconds: Self.limit) { () throws(Finding) in
            for row in rows { if let complaint = row.complaint { throw Finding(complaint) } }
            return zip(rows, goals).allSatisfy { $0.cycleCount >= $1 }
        }
        guard hasProgress else {
            let late = rows.indices.filter { rows[$0].cycleCount < goals[$0] }
            throw Finding("clients \(late) didn't get on within \(Self.limit) s")
        }
    }

    /// Ends the clients at once, after a finding.
    func abandon() {
        for client in clients {
            do {
                try client.kill()
                _ = try client.waitUntilEnd()
            } catch {
                print("a client couldn't be ended: \(error)")
            }
        }
        clients = []
    }

    /// Waits until the daemon knows all clients again, ends them, and looks for what they were acknowledged.
    func finish() throws {
        let session = try connected()
        do {
            try expectAttachments()
        } catch {
            abandon()
            throw error
        }
        isOver[0] = 1
        for client in clients {
            let end = try client.waitUntilEnd()
            guard end == .exit(0) else {
                let complaints = (0..<plan.clients).compactMap { board.row($0).complaint }
                throw Finding(complaints.first ?? "a client ended: \(end)")
            }
        }
        clients = []
        for number in 0..<plan.clients { try verify(number, session) }
        for number in 0..<plan.segments {
            let name = plan.segmentName(number)
            try call("removing '\(name)'") { () throws(SharedMemError) in try session.remove(name) }
        }
    }

    /// The session of this process, made when all clients run.
    private func connected() throws(Finding) -> Session {
        if let session { return session }
        let made = try call("connecting") { () throws(SharedMemError) in try Session(socketPath: plan.socket) }
        session = made
        return made
    }

    /// Waits until each client's attachments are with the daemon that runs now.
    func expectAttachments() throws(Finding) {
        let session = try connected()
        var expected = [Int](repeating: 0, count: plan.segments)
        for client in 0..<plan.clients { for number in plan.segments(of: client) { expected[number] += 1 } }
        for number in 0..<plan.segments {
            let name = plan.segmentName(number)
            var found = 0
            let isThere = try board.wait(seconds: Self.limit) { () throws(Finding) in
                found = try call("describing '\(name)'") { () throws(SharedMemError) in
                    try session.info(of: name).sessionCount
                }
                return found >= expected[number]
            }
            guard isThere else {
                throw Finding("the daemon has \(found) sessions in '\(name)', and \(expected[number]) clients use it")
            }
        }
    }

    /// Looks for all that a client was acknowledged, from outside.
    private func verify(_ client: Int, _ session: Session) throws(Finding) {
        let row = LoadRow(board.row(client))
        for (place, number) in plan.segments(of: client).enumerated() {
            let name = plan.segmentName(number)
            let info = try call("describing '\(name)'") { () throws(SharedMemError) in try session.info(of: name) }
            guard info.segmentID == row.segmentID(place), info.generation == 1 + plan.moves else {
                throw Finding(
                    "segment '\(name)' is \(info.segmentID), generation \(info.generation);"
                        + " it must be \(row.segmentID(place)), generation \(1 + plan.moves)")
            }
            let segment = try call("opening '\(name)'") { () throws(SharedMemError) in
                try session.open(name, access: .readOnly)
            }
            for key in 0..<LoadRow.keyCount { try verify(key, of: client, row.register(key, place), in: segment) }
        }
    }

    private func verify(
        _ key: Int, of client: Int, _ register: LoadRow.Register, in segment: Segment
    ) throws(Finding) {
        if register.number == 0 { return }
        let tag = Payload.tag(client: client, key: key)
        let name = Payload.name(tag)
        if key == LoadPlace.counterKey {
            let sum = try call("get of '\(name)'") { () throws(SharedMemError) in
                try segment.get(name, as: Int64.self)
            }
            guard sum == Int64(register.number) else {
                throw Finding("lost: the counter '\(name)' is \(sum ?? 0) at the end, not \(register.number)")
            }
            return
        }
        let value = try call("get of '\(name)'") { () throws(SharedMemError) in try segment.get(name) }
        let metadata = try call("metadata of '\(name)'") { () throws(SharedMemError) in
            try segment.metadata(name)
        }
        guard let value, let metadata else {
            throw Finding("lost: '\(name)' is gone at the end, value \(register.number) was acknowledged")
        }
        let number = try Payload.number(of: value, tag: tag)
        guard number == register.number, metadata.version == register.version else {
            throw Finding(
                "lost: '\(name)' has value \(number), version \(metadata.version) at the end; value \(register.number),"
                    + " version \(register.version) was acknowledged")
        }
    }

    /// One line on what was done.
    func summary(actionCount: Int) -> String {
        let rows = (0..<plan.clients).map { LoadRow(board.row($0)) }
        let calls = rows.reduce(0) { $0 + $1.callCount }
        let longest = rows.map(\.longestCall).max() ?? 0
        return "\(plan.clients) clients, \(plan.segments) segments, \(actionCount) times: \(calls) calls, 0 failed,"
            + " 0 values lost, the longest took \(longest / 1_000_000) ms"
    }
}
