internal import SharedMemProtocol

/// Who asked, and in which request.
struct Call: Equatable, Sendable {
    /// The connection.
    let peer: PeerID
    /// What the reply repeats.
    let requestID: UInt32
    /// Who is at its other end.
    let identity: PeerIdentity
}

extension Broker {
    /// Takes a request to the rule that answers it.
    mutating func receive(_ request: Request, _ requestID: UInt32, from peer: PeerID) -> [Effect] {
        guard let sender = peers[peer] else { return [] }
        let call = Call(peer: peer, requestID: requestID, identity: sender.identity)
        switch (sender.state, request) {
        case (.greeting, .hello(let hello)): return greet(hello, call)
        case (.greeting, .reconnect(let reconnect)): return resume(reconnect, call)
        case (.greeting, _):
            return disconnect(peer, reason: "\(sender.identity) sent another request first, expected HELLO")
        case (.session, .hello):
            return disconnect(peer, reason: "\(sender.identity) sent HELLO again, expected it once")
        case (.session, .reconnect):
            return disconnect(peer, reason: "\(sender.identity) sent RECONNECT in a session, expected it first")
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
        case .hello, .reconnect: return []
        case .attach(let name, let access): return try attach(name, access, call)
        case .detach(let segmentID): return try detach(segmentID, call)
        case .create(let definition):
            if let done = repeated(call, isRemoval: false) { return done }
            return try create(definition, call)
        case .remove(let name):
            if let done = repeated(call, isRemoval: true) { return done }
            return try remove(name, call)
        case .list(let after): return list(after: after, call)
        case .show(let name): return try show(name, call)
        case .pin(let segmentID): return try pin(segmentID, call)
        case .unpin(let segmentID): return try unpin(segmentID, call)
        case .watch(let watch): return try self.watch(watch, call)
        case .unwatch(let watch): return unwatch(watch, call)
        case .whoHolds(let segmentID): return try askForOwner(of: segmentID, call)
        case .sessions(let after): return describeSessions(after: after, call)
        case .statistics: return [.replyWithStatistics(call.peer, requestID: call.requestID, statistics)]
        }
    }

    /// The session of a connection.
    func session(of peer: PeerID) -> Session? {
        peers[peer]?.sessionID.flatMap { sessions[$0] }
    }

    /// Changes the session of a connection.
    mutating func updateSession(of peer: PeerID, _ change: (inout Session) -> Void) {
        guard let id = peers[peer]?.sessionID else { return }
        sessions.update(id, change)
    }

    /// Answers a change that is done already, whose reply was lost; nil: it's still to be done.
    private func repeated(_ call: Call, isRemoval: Bool) -> [Effect]? {
        guard let change = session(of: call.peer)?.lastChange, change.requestID == call.requestID,
            isRemoval == (change.createdSegmentID == 0)
        else { return nil }
        let reply = isRemoval ? Reply.removed : .created(segmentID: change.createdSegmentID)
        return [.reply(call.peer, requestID: call.requestID, reply)]
    }
}
