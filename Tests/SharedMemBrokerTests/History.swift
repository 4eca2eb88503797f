import Glibc
import SharedMemBroker
import SharedMemProtocol

/// A random sequence of events, played to a broker under a witness's eyes.
struct History {
    /// The broker that is played to.
    var broker = Broker(sessionIDs: 5..<60, firstSessionID: 50, sessionLimit: 10)
    /// Who watches.
    private(set) var witness = Witness()
    /// Changes what a broker did before the witness sees it, to show that the witness notices.
    var tamper: ([Broker.Effect]) -> [Broker.Effect] = { $0 }

    /// Where chance comes from.
    private var random: SplitMix
    /// Connections so far.
    private var peerCount: UInt64 = 0
    /// Requests so far.
    private var requestCount: UInt32 = 0
    /// The names that segments may get, more than a list's page holds.
    private let names: [SegmentName]

    /// Prepares the history that belongs to `seed`.
    init(seed: UInt64) {
        random = SplitMix(seed: seed)
        names = (0..<40).compactMap { SegmentName("s\($0)") }
        play(.configured(configuration()))
    }

    /// What is wrong so far, from outside and from inside.
    var findings: [String] { witness.findings + broker.contradictions }

    /// Plays one random event.
    mutating func step() {
        let peers = witness.peers.keys.sorted { $0.rawValue < $1.rawValue }
        let making = witness.segments.filter { !$0.value.isMade }.keys.sorted()
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<60: connect(peers)
        case 60..<90: if !peers.isEmpty { play(.hungUp(random.pick(peers))) }
        case 90..<150: if !making.isEmpty { settle(random.pick(making)) }
        case 150..<152: play(.configured(configuration()))
        case 152..<156: play(.recalled(definition(isResolved: true)))
        case 156..<160: stray()
        default: if !peers.isEmpty { ask(random.pick(peers)) }
        }
    }

    /// Settles all memory that is being made; then every request is answered.
    mutating func finish() {
        for segmentID in witness.segments.filter({ !$0.value.isMade }).keys.sorted() { settle(segmentID) }
    }

    /// Plays one event.
    private mutating func play(_ event: Broker.Event) {
        let effects = tamper(broker.handle(event))
        witness.note(event, effects, broker.summary)
        // A pin that can't be had is told at once.
        for case .pin(let peer, _, let segmentID, _) in effects where random.happens(percent: 10) {
            play(.pinFailed(peer, segmentID: segmentID))
        }
    }

    /// Connects a process.
    private mutating func connect(_ peers: [PeerID]) {
        peerCount += 1
        let identity = PeerIdentity(
            pid: Int32(truncatingIfNeeded: peerCount), uid: random.pick([0, 1000, 1001, 1002]),
            gid: random.pick([100, 101, 102]), groups: random.pick([[], [100], [101, 102]]))
        play(.connected(PeerID(rawValue: peerCount), identity))
    }

    /// Reports that a segment's memory was made, or wasn't.
    private mutating func settle(_ segmentID: UInt64) {
        guard !random.happens(percent: 10) else {
            play(.memoryFailed(segmentID: segmentID, error: ENOMEM, reason: "no memory"))
            return
        }
        let asked = witness.segments[segmentID]?.definition.byteCount ?? 1
        play(
            .memoryMade(
                segmentID: segmentID, dataByteCount: max(asked, 4096),
                lockByteCount: random.happens(percent: 3) ? 1 << 22 : 8192, createdAt: 1))
    }

    /// Plays an event that fits nothing.
    private mutating func stray() {
        let stranger = PeerID(rawValue: peerCount + 1000)
        let known = witness.segments.filter(\.value.isMade).keys.sorted().first ?? 1 << 40
        play(
            random.pick([
                .hungUp(stranger), .pinFailed(stranger, segmentID: known),
                .received(stranger, requestID: 1, .list(after: nil)),
                .memoryMade(segmentID: known, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .memoryMade(segmentID: 1 << 41, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .memoryFailed(segmentID: known, error: EIO, reason: "stray"),
            ]))
    }

    /// Sends a request.
    private mutating func ask(_ peer: PeerID) {
        requestCount += 1
        play(.received(peer, requestID: requestCount, request(witness.peers[peer])))
    }

    /// Makes a request, in most cases one that fits the connection's state.
    private mutating func request(_ caller: Witness.Caller?) -> Request {
        let access: Access = random.happens(percent: 50) ? .readOnly : .readWrite
        let isHello = (caller?.isGreeted != true) != random.happens(percent: 1)
        if isHello {
            let attach = Hello.Attach(segment: random.pick(names), access: access)
            return .hello(
                Hello(
                    majors: random.pick([1...1, 1...1, 0...3, 1...2, 2...3]), features: 1, program: [],
                    attach: random.happens(percent: 50) ? attach : nil))
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: return .attach(random.pick(names), access)
        case 30..<40:
            let known = (caller?.attached.keys.sorted() ?? []) + [77]
            return .detach(segmentID: random.pick(known))
        case 40..<65: return .create(definition(isResolved: random.happens(percent: 10)))
        case 65..<75: return .remove(random.pick(names))
        case 75..<81: return .list(after: random.happens(percent: 40) ? random.pick(names) : nil)
        case 81..<91:
            let known = (caller?.attached.keys.sorted() ?? []) + [77]
            return random.happens(percent: 70)
                ? .pin(segmentID: random.pick(known)) : .unpin(segmentID: random.pick(known))
        default: return .show(random.pick(names))
        }
    }

    /// Makes a definition.
    private mutating func definition(isResolved: Bool) -> SegmentDefinition {
        SegmentDefinition(
            name: random.pick(names), byteCount: random.pick([1, 4096, 5000, 8192, 20000, 1 << 20, 0, 1 << 40]),
            mode: random.pick([0o600, 0o640, 0o644, 0o660, 0o666, 0o066, 0o206, 0]),
            owner: isResolved ? random.pick([0, 1000, 1001]) : nil,
            group: isResolved ? random.pick([100, 101, 102]) : nil)
    }

    /// Makes a configuration.
    private mutating func configuration() -> Broker.Configuration {
        var segments: [SegmentDefinition] = []
        for _ in 0..<4 {
            let segment = definition(isResolved: true)
            if !segments.contains(where: { $0.name == segment.name }) { segments.append(segment) }
        }
        let creators = Broker.Configuration.Creators(users: [1000, 1001], groups: [102])
        return Broker.Configuration(
            segments: segments, memoryLimit: random.pick([1 << 22, 1 << 24, 1 << 24]), connectionsPerUser: 6,
            creators: random.happens(percent: 50) ? creators : nil)
    }
}
