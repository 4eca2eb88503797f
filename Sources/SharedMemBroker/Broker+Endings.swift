internal import SharedMemProtocol

// A connection ends, and the session goes on without it until its process is dead: what a process can write it may be
// about to store.

extension Broker {
    /// Takes back what a connection that has ended held.
    mutating func hangUp(_ peer: PeerID) -> [Effect] {
        leave(peer)
    }

    /// Ends a connection.
    mutating func disconnect(_ peer: PeerID, reason: String) -> [Effect] {
        leave(peer) + [.disconnect(peer, reason: reason)]
    }

    /// Ends all that a dead process had.
    mutating func bury(_ process: ProcessIdentity) -> [Effect] {
        let holdings = processes[process]
        guard !holdings.isEmpty else { return [] }
        var effects: [Effect] = []
        for peer in holdings.peers.sorted(by: { $0.rawValue < $1.rawValue }) {
            _ = forgetConnection(peer)
            effects.append(.close(peer))
        }
        let dead = holdings.sessions.sorted().compactMap { sessions[$0] }
        for session in dead {
            effects += giveBack(session.id) + dropWatches(of: session.id)
            end(session)
            recentDeaths.insert(session.id)
        }
        return effects + repairs(after: dead) + [.forgetProcess(process)]
    }

    /// Has all segments repaired that dead sessions of one process could write.
    func repairs(after dead: [Session]) -> [Effect] {
        guard let owner = dead.last?.description else { return [] }
        let writable = dead.reduce(into: Set<UInt64>()) { $0.formUnion($1.writable) }
        return writable.sorted().filter { segments[$0] != nil }.map { segmentID in
            let writers = dead.filter { $0.writable.contains(segmentID) }.map(\.id)
            return .repair(segmentID: segmentID, sessions: writers, owner: owner)
        }
    }

    /// Forgets a connection, its place and its waiting requests, and returns it; its session is still to be told.
    mutating func forgetConnection(_ id: PeerID) -> Peer? {
        guard let peer = peers.removeValue(forKey: id) else { return nil }
        let count = connectionCounts[peer.identity.uid, default: 0]
        connectionCounts[peer.identity.uid] = count > 1 ? count - 1 : nil
        processes.remove(id, of: peer.process)
        if peer.waitingCount > 0 { dropWaiters(of: id) }
        return peer
    }

    /// Takes back a session's pins and attachments, which end with its connection also if the session is taken up again.
    mutating func giveBack(_ id: UInt32) -> [Effect] {
        let effects = dropPins(of: id)
        for segmentID in (sessions[id]?.attachments ?? [:]).keys {
            segments.update(segmentID) { $0.sessionCount -= 1 }
        }
        sessions.update(id) { $0.attachments = [:] }
        return effects
    }

    /// Ends a session that nothing depends on: it's left, can write nothing, and no request of it may come again.
    mutating func endIfIdle(_ id: UInt32) -> [Effect] {
        guard let session = sessions[id], session.state == .abandoned, session.writable.isEmpty,
            session.lastChange == nil, !segments.isMaking(for: id)
        else { return [] }
        end(session)
        return forgetProcess(session.process)
    }

    /// Says that nobody cares for a process any more, if that's so.
    func forgetProcess(_ process: ProcessIdentity) -> [Effect] {
        processes[process].isEmpty ? [.forgetProcess(process)] : []
    }

    /// Takes a session out.
    private mutating func end(_ session: Session) {
        segments.forgetCreations(of: session.id)
        sessions.remove(session.id)
        processes.remove(session.id, of: session.process)
    }

    /// Takes back what a connection holds, and leaves its session to its process.
    private mutating func leave(_ id: PeerID) -> [Effect] {
        guard let peer = forgetConnection(id) else { return [] }
        guard let sessionID = peer.sessionID else { return forgetProcess(peer.process) }
        let effects = giveBack(sessionID) + dropWatches(of: sessionID)
        sessions.update(sessionID) { $0.state = .abandoned }
        return effects + endIfIdle(sessionID)
    }

    /// Drops all requests of a connection that wait.
    private mutating func dropWaiters(of peer: PeerID) {
        for segment in segments.all {
            guard case .making(let waiters) = segment.state else { continue }
            segments.update(segment.id) { $0.state = .making(waiters.filter { $0.call.peer != peer }) }
        }
    }
}
