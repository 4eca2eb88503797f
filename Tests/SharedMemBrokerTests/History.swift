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
    var peerCount: UInt64 = 0
    /// Requests so far.
    var requestCount: UInt32 = 0
    /// The time: ns since the epoch.
    var time: UInt64 = 1_000_000_000_000

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

    /// Connects a process, in most cases a known one.
    private mutating func connect() {
        let known = processes.keys.sorted { $0.pid < $1.pid }
        let isNew = known.isEmpty || random.happens(percent: 30)
        let number = peerCount + 1
        connect(
            isNew ? ProcessIdentity(pid: Int32(truncatingIfNeeded: number), mark: number % 3) : random.pick(known))
    }

    /// Connects a process.
    mutating func connect(_ process: ProcessIdentity) {
        peerCount += 1
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
    static func broker(startedAt time: UInt64) -> Broker {
        Broker(sessionIDs: sessionIDs, firstSessionID: 50, sessionLimit: sessionLimit, startedAt: time)
    }
}
