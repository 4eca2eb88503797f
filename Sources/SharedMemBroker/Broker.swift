internal import SharedMemProtocol

/// Decides who may have what.
///
/// A plain value: events in, effects out; no system call, no clock, no log.
package struct Broker {
    /// What the configuration says; until it's read, nothing is allowed but to root.
    var configuration = Configuration(
        segments: [], memoryLimit: 0, connectionsPerUser: 0, creators: .init(users: [], groups: []))

    /// The connections that are open, by their number.
    var peers: [PeerID: Peer] = [:]

    /// How many connections each uid holds; a uid without any isn't in it.
    var connectionCounts: [UInt32: Int] = [:]

    /// When the daemon started: ns since the epoch.
    let startedAt: UInt64

    /// The ids of the sessions that exist.
    var sessionIDs: SessionIDs

    /// The segments, and what they are charged with.
    var segments = SegmentTable()

    /// Starts without segments, sessions and rights.
    ///
    /// Session ids are counted from `firstSessionID`, and from the lowest of `sessionIDs` behind the highest. The daemon
    /// started at `startedAt`, in ns since the epoch.
    package init(
        sessionIDs: Range<UInt32> = ProtocolLimits.sessionIDs, firstSessionID: UInt32 = 1,
        sessionLimit: Int = ProtocolLimits.sessionCount, startedAt: UInt64 = 0
    ) {
        self.startedAt = startedAt
        self.sessionIDs = SessionIDs(numbers: sessionIDs, first: firstSessionID, limit: sessionLimit)
    }

    /// Takes one event and says what has to be done.
    ///
    /// A peer is forgotten at once when it's to be disconnected: what still comes from it is ignored.
    package mutating func handle(_ event: Event) -> [Effect] {
        let before = summary
        var effects =
            switch event {
            case .connected(let peer, let identity, _, _, _): connect(peer, identity)
            case .received(let peer, let requestID, let request): receive(request, requestID, from: peer)
            case .hungUp(let peer): hangUp(peer)
            case .memoryMade(let segmentID, let dataByteCount, let lockByteCount, let createdAt):
                finish(
                    segmentID,
                    Segment.Memory(
                        dataByteCount: dataByteCount, lockByteCount: lockByteCount, createdAt: createdAt))
            case .pinFailed(let peer, let segmentID): losePin(segmentID, of: peer)
            case .memoryFailed(let segmentID, let error, let reason): abandon(segmentID, error: error, reason: reason)
            case .configured(let configuration): configure(configuration)
            case .recalled(let definition): recall(definition)
            case .died, .lockSeen, .repaired, .spoiled, .generationMade, .generationFailed, .restored, .pinFound,
                .ownerFound:
                [Effect]()
            }
        if summary != before { effects.append(.statusChanged) }
        return effects
    }

    /// Takes a request to the rule that answers it.
    private mutating func receive(_ request: Request, _ requestID: UInt32, from peer: PeerID) -> [Effect] {
        guard let sender = peers[peer] else { return [] }
        let call = Call(peer: peer, requestID: requestID, identity: sender.identity)
        switch (sender.state, request) {
        case (.greeting, .hello(let hello)): return greet(hello, call)
        case (.greeting, _):
            return disconnect(peer, reason: "\(sender.identity) sent another request first, expected HELLO")
        case (.session, .hello):
            return disconnect(peer, reason: "\(sender.identity) sent HELLO again, expected it once")
        case (.session, _): break
        }
        do throws(Refusal) {
            return try answer(request, call)
        } catch {
            return [.reply(peer, requestID: requestID, .failure(error.failure))]
        }
    }

    /// Answers a request of a session, unless it has to wait.
    private mutating func answer(_ request: Request, _ call: Call) throws(Refusal) -> [Effect] {
        switch request {
        case .hello: return []
        case .attach(let name, let access): return try attach(name, access, call)
        case .detach(let segmentID): return try detach(segmentID, call)
        case .create(let definition): return try create(definition, call)
        case .remove(let name): return try remove(name, call)
        case .list(let after): return list(after: after, call)
        case .show(let name): return try show(name, call)
        case .pin(let segmentID): return try pin(segmentID, call)
        case .unpin(let segmentID): return try unpin(segmentID, call)
        case .reconnect, .whoHolds, .sessions, .statistics: return []
        }
    }
}

/// Who asked, and in which request.
struct Call: Equatable, Sendable {
    /// The connection.
    let peer: PeerID
    /// What the reply repeats.
    let requestID: UInt32
    /// Who is at its other end.
    let identity: PeerIdentity
}
