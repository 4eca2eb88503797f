internal import SharedMemProtocol

/// Decides who may have what.
///
/// A plain value: events in, effects out; no system call, no clock, no log.
package struct Broker {
    /// What the configuration says; until it's read, nothing is allowed but to root.
    var configuration = Configuration(
        segments: [], memoryLimit: 0, connectionsPerUser: 0, creators: .init(users: [], groups: []))

    /// Whether it was read.
    var isConfigured = false

    /// The connections that are open, by their number.
    var peers: [PeerID: Peer] = [:]

    /// How many connections each uid holds; a uid without any isn't in it.
    var connectionCounts: [UInt32: Int] = [:]

    /// The sessions, connected or not.
    var sessions: SessionTable

    /// The processes that have connections or sessions.
    var processes = ProcessTable()

    /// The sessions that died last.
    var recentDeaths: RecentDeaths

    /// The segments, and what they are charged with.
    var segments = SegmentTable()

    /// Segments whose values are lost, to be made again as soon as the configuration is known.
    var lostSegments: [SavedSegment] = []

    /// The moves to a new generation.
    var switches = SwitchQueue()

    /// What is counted from the start, and from the first start on.
    var record: Record

    /// Starts without segments, sessions and rights.
    ///
    /// Session ids are counted from `firstSessionID`, and from the lowest of `sessionIDs` behind the highest. The daemon
    /// started at `startedAt`, in ns since the epoch.
    package init(
        sessionIDs: Range<UInt32> = ProtocolLimits.sessionIDs, firstSessionID: UInt32 = 1,
        sessionLimit: Int = ProtocolLimits.sessionCount, startedAt: UInt64 = 0
    ) {
        sessions = SessionTable(numbers: sessionIDs, first: firstSessionID, limit: sessionLimit)
        recentDeaths = RecentDeaths(limit: sessionLimit)
        record = Record(startedAt: startedAt)
    }

    /// Takes one event and says what has to be done.
    ///
    /// A peer is forgotten at once when it's to be disconnected: what still comes from it is ignored.
    package mutating func handle(_ event: Event) -> [Effect] {
        let before = summary
        var effects = decide(event)
        if sessions.isChanged || segments.isChanged {
            sessions.isChanged = false
            segments.isChanged = false
            // Who is killed between a repair and its being saved repairs once more; the other way round nobody would.
            effects.insert(.save, at: event.isDeath ? effects.endIndex : effects.startIndex)
        }
        if summary != before { effects.append(.statusChanged) }
        return effects
    }

    /// Takes an event to the rule that decides it.
    private mutating func decide(_ event: Event) -> [Effect] {
        switch event {
        case .connected(let peer, let identity, let process, let token, let time):
            connect(peer, Peer(identity: identity, process: process, token: token, connectedAt: time))
        case .received(let peer, let requestID, let request): receive(request, requestID, from: peer)
        case .hungUp(let peer): hangUp(peer)
        case .died(let process): bury(process)
        case .memoryMade(let segmentID, let dataByteCount, let lockByteCount, let createdAt):
            finish(
                segmentID,
                Segment.Memory(
                    generation: 1, dataByteCount: dataByteCount, lockByteCount: lockByteCount, createdAt: createdAt))
        case .memoryFailed(let segmentID, let error, let reason): abandon(segmentID, error: error, reason: reason)
        case .pinFailed(let peer, let segmentID): losePin(segmentID, of: peer)
        case .lockSeen(let peer, let requestID, let segmentID, let owner, let takenAt):
            judge(owner, of: segmentID, takenAt: takenAt, for: peer, requestID)
        case .repaired(let segmentID): noteRepair(of: segmentID)
        case .spoiled(let segmentID): spoil(segmentID)
        case .generationMade(let segmentID, let generation, let dataByteCount, let lockByteCount, let createdAt):
            finishSwitch(
                segmentID,
                Segment.Memory(
                    generation: generation, dataByteCount: dataByteCount, lockByteCount: lockByteCount,
                    createdAt: createdAt))
        case .generationFailed(let segmentID, let error, let reason):
            giveUpSwitch(of: segmentID, error: error, reason: reason)
        case .restored(let state, let living, let kept): restore(state, living: living, kept: kept)
        case .pinFound(let segmentID, let session): keepPin(segmentID, of: session)
        case .ownerFound(let segmentID, let owner): judge(owner, of: segmentID)
        case .configured(let configuration): configure(configuration)
        case .recalled(let definition): recall(definition)
        }
    }
}

extension Broker.Event {
    /// Whether processes are found dead.
    fileprivate var isDeath: Bool {
        switch self {
        case .died, .restored: true
        default: false
        }
    }
}
