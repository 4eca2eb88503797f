import Glibc
import SharedMemBroker
import SharedMemProtocol

/// A random sequence of events, played to a broker under a witness's eyes.
struct History {
    /// The broker that is played to.
    var broker: Broker
    /// Who watches.
    private(set) var witness: Witness
    /// Changes what a broker did before the witness sees it, to show that the witness notices.
    var tamper: ([Broker.Effect]) -> [Broker.Effect] = { $0 }

    /// Where chance comes from.
    var random: SplitMix
    /// The lock words: who has them, and since when.
    var words: [UInt64: (owner: UInt32, takenAt: UInt64)] = [:]
    /// The processes that ever connected and aren't dead, with their users.
    var processes: [ProcessIdentity: UInt32] = [:]
    /// What each session changed last, or wanted to.
    var changes: [UInt32: (requestID: UInt32, request: Request)] = [:]
    /// The names that segments may get, more than a list's page holds.
    let names: [SegmentName]
    /// Connections so far.
    private var peerCount: UInt64 = 0
    /// Requests so far.
    private var requestCount: UInt32 = 0
    /// The time: ns since the epoch.
    private var time: UInt64 = 1_000_000_000_000

    /// The ids of sessions, few enough to come back soon.
    static let sessionIDs: Range<UInt32> = 5..<60
    /// Sessions that there may be.
    static let sessionLimit = 16

    /// Prepares the history that belongs to `seed`.
    init(seed: UInt64) {
        random = SplitMix(seed: seed)
        names = (0..<40).compactMap { SegmentName("s\($0)") }
        broker = Self.broker(startedAt: 1)
        witness = Witness(broker)
        play(.configured(configuration()))
    }

    /// What is wrong so far, from outside and from inside.
    var findings: [String] { witness.findings + broker.contradictions }

    /// Plays one random event.
    mutating func step() {
        time += 1_000_000
        let peers = witness.peers.keys.sorted { $0.rawValue < $1.rawValue }
        let making = witness.segments.filter { !$0.value.isMade }.keys.sorted()
        switch Int.random(in: 0..<2000, using: &random) {
        case 0..<140: connect()
        case 140..<200: if !peers.isEmpty { play(.hungUp(random.pick(peers))) }
        case 200..<240: if !processes.isEmpty { kill() }
        case 240..<360: if !making.isEmpty { settle(random.pick(making)) }
        case 360..<400: if let running = witness.moves.running { settle(running.segmentID, running.generation) }
        case 400..<404: play(.configured(configuration()))
        case 404..<412: play(.recalled(definition(isResolved: true)))
        case 412..<424: stray()
        case 424..<428: restart()
        case 428..<470: touchWord()
        default: if !peers.isEmpty { ask(random.pick(peers)) }
        }
    }

    /// Settles all memory that is being made; then every request is answered.
    mutating func finish() {
        for segmentID in witness.segments.filter({ !$0.value.isMade }).keys.sorted() { settle(segmentID) }
        while let running = witness.moves.running { settle(running.segmentID, running.generation) }
    }

    /// Plays one event, and those that it leads to at once.
    mutating func play(_ event: Broker.Event) {
        let effects = tamper(broker.handle(event))
        witness.note(event, effects, broker)
        for effect in effects {
            switch effect {
            case .pin(let peer, _, let segmentID, _):
                if random.happens(percent: 10) { play(.pinFailed(peer, segmentID: segmentID)) }
            case .seeLock(let peer, let requestID, let segmentID):
                // The connection may end before the word was looked at.
                if random.happens(percent: 3) { play(.hungUp(peer)) }
                if random.happens(percent: 50) { takeWord(segmentID) }
                let word = words[segmentID] ?? (owner: 0, takenAt: 0)
                play(
                    .lockSeen(
                        peer, requestID: requestID, segmentID: segmentID, owner: word.owner, takenAt: word.takenAt))
            case .repair(let segmentID, let sessions, _):
                guard let word = words[segmentID], sessions.contains(word.owner) else { continue }
                // Now and then the word was looked at before.
                if random.happens(percent: 20) { continue }
                words[segmentID] = nil
                play(random.happens(percent: 5) ? .spoiled(segmentID: segmentID) : .repaired(segmentID: segmentID))
            case .releaseMemory(let segmentID): words[segmentID] = nil
            default: break
            }
        }
    }

    /// Starts another daemon with what was saved; some segments and processes are gone.
    private mutating func restart() {
        let state = broker.savedState
        let gone = random.happens(percent: 30) ? 20 : 0
        let segmentIDs = state.segments.map(\.id).filter { _ in !random.happens(percent: gone) }
        let owners = Set(state.sessions.map(\.process)).sorted { $0.pid < $1.pid }
        let living = Set(owners.filter { _ in !random.happens(percent: gone) })
        processes = processes.filter { living.contains($0.key) }
        broker = Self.broker(startedAt: 1 + state.restartCount + 1)
        let pinned = witness.pinned
        play(.restored(state, living: living, kept: Set(segmentIDs)))
        for (segmentID, sessions) in pinned.sorted(by: { $0.key < $1.key }) where segmentIDs.contains(segmentID) {
            for session in sessions.sorted() { play(.pinFound(segmentID: segmentID, session: session)) }
        }
        words = words.filter { segmentIDs.contains($0.key) }
        for (segmentID, word) in words.sorted(by: { $0.key < $1.key }) {
            play(.ownerFound(segmentID: segmentID, owner: word.owner))
        }
        play(.configured(configuration()))
    }

    /// Connects a process, in most cases a new one.
    private mutating func connect() {
        peerCount += 1
        let known = processes.keys.sorted { $0.pid < $1.pid }
        let process =
            known.isEmpty || random.happens(percent: 30)
            ? ProcessIdentity(pid: Int32(truncatingIfNeeded: peerCount), mark: peerCount % 3) : random.pick(known)
        let uid = processes[process] ?? random.pick([0, 1000, 1001, 1002])
        processes[process] = uid
        let identity = PeerIdentity(
            pid: process.pid, uid: random.happens(percent: 3) ? 1003 : uid, gid: random.pick([100, 101, 102]),
            groups: random.pick([[], [100], [101, 102]]))
        play(
            .connected(
                PeerID(rawValue: peerCount), identity, process, SessionToken(high: 1, low: peerCount), at: time))
    }

    /// Ends a process.
    private mutating func kill() {
        let process = random.pick(processes.keys.sorted { $0.pid < $1.pid })
        processes[process] = nil
        play(.died(process))
    }

    /// Takes a lock word, for a session that may or for anybody, or gives it back, or spoils a segment.
    private mutating func touchWord() {
        let made = witness.segments.filter(\.value.isMade).keys.sorted()
        guard !made.isEmpty else { return }
        let segmentID = random.pick(made)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<60: takeWord(segmentID)
        case 60..<70: words[segmentID] = (UInt32.random(in: 1..<70, using: &random), time)
        case 70..<97: words[segmentID] = nil
        default: play(.spoiled(segmentID: segmentID))
        }
    }

    /// Takes a lock word for a session that may write the segment, connected or not.
    private mutating func takeWord(_ segmentID: UInt64) {
        let writers = witness.tenants.filter { $0.value.writable.contains(segmentID) }.keys.sorted()
        if !writers.isEmpty { words[segmentID] = (random.pick(writers), random.pick([0, time, time - 50_000_000])) }
    }

    /// Reports that a segment's memory was made, or wasn't.
    private mutating func settle(_ segmentID: UInt64) {
        guard !random.happens(percent: 10) else {
            play(.memoryFailed(segmentID: segmentID, error: ENOMEM, reason: "no memory"))
            return
        }
        let asked = witness.segments[segmentID]?.saved.definition.byteCount ?? 1
        play(
            .memoryMade(
                segmentID: segmentID, dataByteCount: max(asked, 4096),
                lockByteCount: random.happens(percent: 3) ? 1 << 22 : 8192, createdAt: time))
    }

    /// Reports that a segment's generation was made, or wasn't.
    private mutating func settle(_ segmentID: UInt64, _ generation: UInt64) {
        guard !random.happens(percent: 10) else {
            play(.generationFailed(segmentID: segmentID, error: ENOMEM, reason: "no memory"))
            return
        }
        words[segmentID] = nil
        let old = witness.segments[segmentID]?.saved
        play(
            .generationMade(
                segmentID: segmentID, generation: generation, dataByteCount: old?.dataByteCount ?? 4096,
                lockByteCount: old?.lockByteCount ?? 8192, createdAt: time))
    }

    /// Plays an event that fits nothing.
    private mutating func stray() {
        let stranger = PeerID(rawValue: peerCount + 1000)
        let known = witness.segments.filter(\.value.isMade).keys.sorted().first ?? 1 << 40
        let process = ProcessIdentity(pid: -1, mark: 0)
        play(
            random.pick([
                .hungUp(stranger), .pinFailed(stranger, segmentID: known), .died(process),
                .received(stranger, requestID: 1, .list(after: nil)),
                .memoryMade(segmentID: known, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .memoryMade(segmentID: 1 << 41, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .memoryFailed(segmentID: known, error: EIO, reason: "stray"),
                .generationMade(
                    segmentID: known, generation: 1 << 40, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .generationFailed(segmentID: 1 << 41, error: EIO, reason: "stray"), .spoiled(segmentID: 1 << 41),
                .ownerFound(segmentID: 1 << 41, owner: 7), .pinFound(segmentID: 1 << 41, session: 7),
            ]))
    }

    /// Sends a request, now and then one that was sent before.
    private mutating func ask(_ peer: PeerID) {
        let caller = witness.peers[peer]
        if let session = caller?.session, let change = changes[session], caller?.open[change.requestID] == nil,
            random.happens(percent: 3)
        {
            play(.received(peer, requestID: change.requestID, change.request))
            return
        }
        requestCount += 1
        let request = request(caller)
        if let session = caller?.session {
            switch request {
            case .create, .remove: changes[session] = (requestCount, request)
            default: break
            }
        }
        play(.received(peer, requestID: requestCount, request))
    }

    /// Makes a broker with few ids and sessions.
    private static func broker(startedAt time: UInt64) -> Broker {
        Broker(sessionIDs: sessionIDs, firstSessionID: 50, sessionLimit: sessionLimit, startedAt: time)
    }
}
