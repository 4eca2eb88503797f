internal import SharedMemProtocol

extension Broker {
    /// Takes a connection in, unless its user holds too many.
    mutating func connect(_ peer: PeerID, _ identity: PeerIdentity) -> [Effect] {
        guard peers[peer] == nil else {
            return [.log(.error, "connection \(peer.rawValue) was reported twice, ignoring the second report")]
        }
        let count = connectionCounts[identity.uid, default: 0]
        guard identity.isRoot || count < configuration.connectionsPerUser else {
            let reason =
                "\(identity) connected while uid \(identity.uid) holds \(count) connections, "
                + "expected at most \(configuration.connectionsPerUser)"
            return [.disconnect(peer, reason: reason)]
        }
        connectionCounts[identity.uid] = count + 1
        peers[peer] = Peer(identity: identity)
        return []
    }

    /// Begins a session, with its first attach if HELLO asks for one.
    mutating func greet(_ hello: Hello, _ call: Call) -> [Effect] {
        let daemon = ProtocolLimits.majors
        guard daemon.overlaps(hello.majors) else {
            let refusal = Refusal.protocols(hello.majors)
            return [.reply(call.peer, requestID: call.requestID, .failure(refusal.failure))]
                + disconnect(call.peer, reason: "\(call.identity): \(refusal.failure.text)")
        }
        guard let sessionID = sessionIDs.issue() else {
            let refusal = Refusal.sessions(limit: sessionIDs.limit)
            return [.reply(call.peer, requestID: call.requestID, .failure(refusal.failure))]
        }
        peers[call.peer]?.session = Session(id: sessionID)
        let greeting = Greeting(
            features: hello.features & ProtocolLimits.features, session: sessionID,
            major: min(daemon.upperBound, hello.majors.upperBound))
        guard let wanted = hello.attach else {
            return [.reply(call.peer, requestID: call.requestID, greeting.reply(nil))]
        }
        let waiter = Waiter(call: call, purpose: .hello(greeting, wanted.access))
        do throws(Refusal) {
            let segment = try find(wanted.segment)
            try require(wanted.access, to: segment, call.identity)
            return try serve(waiter, segment)
        } catch {
            return refuse(waiter, error)
        }
    }

    /// Takes back what a connection that has ended held.
    mutating func hangUp(_ peer: PeerID) -> [Effect] {
        forget(peer)
    }

    /// Ends a connection.
    mutating func disconnect(_ peer: PeerID, reason: String) -> [Effect] {
        forget(peer) + [.disconnect(peer, reason: reason)]
    }

    /// Takes back what a connection holds: its place, its session, its pins, its attachments, its waiting requests.
    private mutating func forget(_ id: PeerID) -> [Effect] {
        let effects = dropPins(of: id)
        guard let peer = peers.removeValue(forKey: id) else { return [] }
        let count = connectionCounts[peer.identity.uid, default: 0]
        connectionCounts[peer.identity.uid] = count > 1 ? count - 1 : nil
        guard let session = peer.session else { return effects }
        sessionIDs.retire(session.id)
        for segmentID in session.attachments.keys {
            segments.update(segmentID) { $0.sessionCount -= 1 }
        }
        if session.waitingCount > 0 { dropWaiters(of: id) }
        return effects
    }

    /// Drops all requests of a connection that wait.
    private mutating func dropWaiters(of peer: PeerID) {
        for segment in segments.all {
            guard case .making(let waiters) = segment.state else { continue }
            segments.update(segment.id) { $0.state = .making(waiters.filter { $0.call.peer != peer }) }
        }
    }
}
