internal import Glibc
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// The worker processes of `kills`: started, killed, and their segment repaired, by the parent.
final class Crew {
    /// Processes of each kind that run at once.
    static let writerCount = 4
    static let readerCount = 4

    /// A worker process.
    private struct Member {
        let process: ForkedProcess
        let session: UInt32
        let log: OperationLog
        let logNumber: Int
        let isWriter: Bool
    }

    /// What was done and found so far.
    struct Tally {
        /// Writers killed.
        var killCount = 0
        /// Lock words taken over from them.
        var takeOverCount = 0
        /// Recoveries by what they found.
        var nothingCount = 0
        var finishedCount = 0
        var undoneCount = 0
        /// Segments audited, at a round's end or under a lock word that was taken over.
        var auditCount = 0
    }

    /// What was done and found so far.
    private(set) var tally = Tally()
    /// What workers have noted.
    let board: Board
    private let generation: Generation
    private let own: WritableAttachment
    private let noise = Payload.Noise(seed: 1)
    private let fault: KillsFault?
    private let parent = getpid()
    private var random: SplitMix
    private var members: [Member] = []
    private var freeLogs: [Int]
    /// Logs of the killed, to be read at the end of the round.
    private var leftLogs: [Int] = []
    private var nextSession: UInt32 = 2

    /// Makes a segment and starts everybody; between rounds.
    init(killsInRound: Int, seed: UInt64, fault: KillsFault?) throws {
        let logCount = Self.writerCount + Self.readerCount + killsInRound
        board = try Board(logCount: logCount)
        freeLogs = Array((0..<logCount).reversed())
        generation = try Generation.make(byteCount: 2 << 20)
        own = try generation.attach(session: 1)
        self.fault = fault
        random = SplitMix(seed: seed)
        for _ in 0..<Self.writerCount { try start(isWriter: true) }
        for _ in 0..<Self.readerCount { try start(isWriter: false) }
    }

    /// Starts a worker with a session of its own.
    private func start(isWriter: Bool) throws {
        guard let logNumber = freeLogs.popLast() else { throw Wrong(description: "no log is left for a worker") }
        let log = board.log(logNumber)
        log.clear()
        let session = nextSession
        nextSession += 1
        let seed = random.next()
        let process = try ForkedProcess {
            fault?.seed()
            do {
                let attachment: KillWorker.Attachment =
                    isWriter
                    ? .writer(try generation.attach(session: session)) : .reader(try generation.attachReadOnly())
                var worker = KillWorker(
                    attachment, session: session, board: board, log: log, noise: noise, seed: seed, fault: fault,
                    parent: parent)
                return worker.run()
            } catch {
                log.note(Wrong(description: "a worker could not attach: \(error)"))
                return 1
            }
        }
        members.append(
            Member(process: process, session: session, log: log, logNumber: logNumber, isWriter: isWriter))
    }

    /// Ends everybody; at the end, whatever happened.
    func disband() throws {
        for member in members {
            try member.process.kill()
            _ = try member.process.waitUntilEnd()
        }
        members = []
    }
}

// MARK: - Kills

extension Crew {
    /// Kills a writer at this moment, repairs the segment, and starts another one.
    func killOne() throws {
        try checkComplaints()
        let victim = try chooseVictim()
        let member = members.remove(at: victim)
        try member.process.kill()
        let end = try member.process.waitUntilEnd()
        guard end == .signal(SIGKILL), member.log.complaint == nil else { throw wrong(member, ended: end) }
        tally.killCount += 1
        leftLogs.append(member.logNumber)
        if own.store.takeOver(from: member.session) {
            tally.takeOverCount += 1
            if fault != .recovery { try repair() }
            own.store.endRecovery()
        }
        // Whatever the word says: the dead one may have been woken and not have woken the next.
        own.wakeLockWaiters()
        try start(isWriter: true)
    }

    /// One of two times the owner of the lock word as soon as there is one, else any writer that is at work.
    private func chooseVictim() throws -> Int {
        let writers = members.indices.filter { members[$0].isWriter }
        if random.next() % 2 == 0 {
            for _ in 0..<Self.lookLimit {
                let owner = Store.owner(of: own.store.lockWord)
                if let victim = writers.first(where: { members[$0].session == owner }) { return victim }
                SpinHint.pause()
            }
        }
        let victim = writers[Int(random.next() % UInt64(writers.count))]
        // One that the scheduler hasn't let run yet would be killed in its sleep.
        try waitUntilArrival(of: members[victim])
        return victim
    }

    /// How often the lock word is looked at until it has an owner.
    private static var lookLimit: Int { 10_000 }

    private func repair() throws {
        switch try own.store.recover() {
        case .nothing: tally.nothingCount += 1
        case .finished: tally.finishedCount += 1
        case .undone: tally.undoneCount += 1
        }
        if random.next() % 8 == 0 { try audit() }
    }

    /// Holds the segment against its invariants; only while nobody else writes.
    private func audit() throws {
        tally.auditCount += 1
        do throws(AuditFailure) {
            _ = try own.store.audit()
        } catch {
            throw Wrong(description: "an audit after \(tally.killCount) kills: \(error)")
        }
    }
}

// MARK: - Rounds

extension Crew {
    /// What a key holds while everybody pauses.
    func register(of key: Int) throws -> Register {
        var buffer = [UInt8](repeating: 0, count: Payload.maximumByteCount)
        guard let info = try KillWorker.value(of: key, own.store, &buffer) else {
            return Register(version: own.store.commitNumber)
        }
        return Register(value: try KillWorker.number(of: key, info.byteCount, buffer), version: info.version)
    }

    /// Lets everybody work until `body` has returned, and returns what they did.
    func round(_ body: () throws -> Void) throws -> [OperationLog.Entry] {
        board.moveOn()
        let round = board.round
        try body()
        board.moveOn()
        for member in members { try waitUntilArrival(of: member) }
        try checkComplaints()
        let owner = Store.owner(of: own.store.lockWord)
        guard owner == 0 else { throw Wrong(description: "session \(owner) has the lock word, and nobody writes") }
        try audit()
        let logs = members.map(\.logNumber) + leftLogs
        freeLogs += leftLogs
        leftLogs = []
        return logs.flatMap { board.log($0).entries(of: round) }
    }

    /// Waits until a worker goes by the board's round, for a minute at most.
    private func waitUntilArrival(of member: Member) throws {
        let start = SystemClock.monotonic()
        while true {
            let round = member.log.arrivedRound
            if round == board.round { return }
            board.waitForArrival(member.log, while: round)
            try checkComplaints()
            if let end = try member.process.endIfAny() {
                members.removeAll { $0.process.identifier == member.process.identifier }
                throw wrong(member, ended: end)
            }
            guard SystemClock.monotonic() - start < 60_000_000_000 else {
                throw Wrong(description: "session \(member.session) hangs")
            }
        }
    }

    private func checkComplaints() throws {
        for member in members {
            if let complaint = member.log.complaint {
                throw Wrong(description: "\(Self.name(member)): \(complaint)")
            }
        }
    }

    private func wrong(_ member: Member, ended end: ForkedProcess.End) -> Wrong {
        let how: String =
            switch end {
            case .exit(let code): "ended by itself with exit code \(code)"
            case .signal(let number): "died by signal \(number)"
            }
        return Wrong(description: "\(Self.name(member)) \(how)" + (member.log.complaint.map { ": \($0)" } ?? ""))
    }

    private static func name(_ member: Member) -> String {
        (member.isWriter ? "writer " : "reader ") + String(member.session)
    }
}
