import SharedMemBroker
import SharedMemProtocol
import Testing

/// A broker and the words to play a scene with it.
struct Stage {
    /// What is being tested.
    var broker = Broker()
    /// Connections so far.
    private var peerCount: UInt64 = 0
    /// Requests so far.
    private var requestCount: UInt32 = 0

    /// Bytes of a lock file, as this stage's worker makes it.
    static let lockByteCount: UInt64 = 8192
    /// The time at which all memory of this stage is made.
    static let createdAt: UInt64 = 1_700_000_000_000_000_000
    /// The time a second before this stage's first connection.
    static let connectedAt: UInt64 = 1_700_000_000_000_000_000

    /// Begins with a configuration, whose segments are made at once.
    init(
        segments: [SegmentDefinition] = [], memoryLimit: UInt64 = 1 << 30, connectionsPerUser: Int = 4,
        creators: Broker.Configuration.Creators? = nil, keepsSwitchRoom: Bool = false
    ) {
        let configuration = Broker.Configuration(
            segments: segments, memoryLimit: memoryLimit, connectionsPerUser: connectionsPerUser, creators: creators,
            keepsSwitchRoom: keepsSwitchRoom)
        for effect in broker.handle(.configured(configuration)) {
            if case .makeMemory(let segmentID, _) = effect { _ = made(segmentID) }
        }
    }

    /// Connects a process, another one each time unless it's said; the effects are those of the connection.
    mutating func connect(
        uid: UInt32 = 1000, gid: UInt32 = 100, groups: [UInt32] = [], process: Int32? = nil
    ) -> (peer: PeerID, effects: [Broker.Effect]) {
        peerCount += 1
        let peer = PeerID(rawValue: peerCount)
        let process = Self.process(process ?? Int32(peerCount))
        let identity = PeerIdentity(pid: process.pid, uid: uid, gid: gid, groups: groups)
        let event = Broker.Event.connected(
            peer, identity, process, Self.token(of: peer), at: Self.connectedAt + peerCount * 1_000_000_000)
        return (peer, broker.handle(event))
    }

    /// Connects a process and begins its session.
    mutating func session(
        uid: UInt32 = 1000, gid: UInt32 = 100, groups: [UInt32] = [], process: Int32? = nil, program: String = ""
    ) -> PeerID {
        let peer = connect(uid: uid, gid: gid, groups: groups, process: process).peer
        _ = send(Self.hello(program), from: peer)
        return peer
    }

    /// The process with a number.
    static func process(_ pid: Int32) -> ProcessIdentity { ProcessIdentity(pid: pid, mark: UInt64(pid) + 1000) }

    /// The token that comes with a connection.
    static func token(of peer: PeerID) -> SessionToken { SessionToken(high: 7, low: peer.rawValue) }

    /// A HELLO without an attach.
    static func hello(_ program: String = "") -> Request {
        .hello(Hello(majors: 1...1, features: 0, program: Array(program.utf8), attach: nil))
    }

    /// What a HELLO without features is answered with that began `session` over `peer`.
    static func welcome(_ session: UInt32, over peer: PeerID, features: UInt64 = 0) -> Welcome {
        Welcome(features: features, session: session, major: 1, token: token(of: peer))
    }

    /// The connection is lost.
    mutating func hangUp(_ peer: PeerID) -> [Broker.Effect] {
        broker.handle(.hungUp(peer))
    }

    /// The process with a number dies.
    mutating func die(_ pid: Int32) -> [Broker.Effect] {
        broker.handle(.died(Self.process(pid)))
    }

    /// Sends a request; its id is `lastRequestID`.
    mutating func send(_ request: Request, from peer: PeerID) -> [Broker.Effect] {
        requestCount += 1
        return broker.handle(.received(peer, requestID: requestCount, request))
    }

    /// The id of the newest request.
    var lastRequestID: UInt32 { requestCount }

    /// Reports that the memory of a segment was made.
    mutating func made(_ segmentID: UInt64, dataByteCount: UInt64 = 1 << 20) -> [Broker.Effect] {
        broker.handle(
            .memoryMade(
                segmentID: segmentID, dataByteCount: dataByteCount, lockByteCount: Self.lockByteCount,
                createdAt: Self.createdAt))
    }

    /// Creates a segment, memory included, and returns its id.
    mutating func create(_ definition: SegmentDefinition, from peer: PeerID) throws -> UInt64 {
        let segmentID = try #require(send(.create(definition), from: peer).madeSegmentID)
        _ = made(segmentID)
        return segmentID
    }

    /// Describes a segment as root sees it; nil: it doesn't exist.
    mutating func description(of name: SegmentName) -> SegmentDescription? {
        let root = session(uid: 0, gid: 0)
        defer { _ = broker.handle(.hungUp(root)) }
        guard case .shown(let description) = send(.show(name), from: root).reply else { return nil }
        return description
    }
}

extension [Broker.Effect] {
    /// The replies, in order.
    var replies: [Reply] {
        compactMap {
            switch $0 {
            case .reply(_, _, let reply), .replyWithMemory(_, _, let reply, _, _): reply
            case .pin: .pinned
            case .replyWithSessions(_, _, let page, let more): .sessions(page, more: more)
            case .replyWithStatistics(_, _, let statistics): .statistics(statistics)
            default: nil
            }
        }
    }

    /// The only reply.
    var reply: Reply? { replies.count == 1 ? replies.first : nil }

    /// The only reply's failure; nil: it grants something, or there isn't exactly one.
    var failure: Failure? {
        if case .failure(let failure) = reply { failure } else { nil }
    }

    /// The segment whose memory is to be made, if it's one.
    var madeSegmentID: UInt64? {
        let all = madeSegmentIDs
        return all.count == 1 ? all.first : nil
    }

    /// The segments whose memory is to be made.
    var madeSegmentIDs: [UInt64] {
        compactMap { if case .makeMemory(let segmentID, _) = $0 { segmentID } else { nil } }
    }

    /// Who is disconnected, and why.
    var disconnect: (peer: PeerID, reason: String)? {
        for case .disconnect(let peer, let reason) in self { return (peer, reason) }
        return nil
    }

    /// What is logged at `level`.
    func logged(_ level: Broker.LogLevel) -> [String] {
        compactMap {
            if case .log(level, let sentence) = $0 { sentence } else { nil }
        }
    }
}

/// Makes a name that is known to be good.
func name(_ text: String) throws -> SegmentName {
    try #require(SegmentName(text))
}

/// Makes a definition of 1 MiB.
func definition(
    _ text: String, byteCount: UInt64 = 1 << 20, mode: UInt32 = 0o600, owner: UInt32? = nil, group: UInt32? = nil
) throws -> SegmentDefinition {
    SegmentDefinition(name: try name(text), byteCount: byteCount, mode: mode, owner: owner, group: group)
}
