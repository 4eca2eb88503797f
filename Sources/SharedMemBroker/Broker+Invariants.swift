internal import SharedMemProtocol

extension Broker {
    /// What the state says against itself, for tests; empty as long as the rules keep it right.
    package var contradictions: [String] {
        segmentContradictions + sessionContradictions + waiterContradictions
    }

    /// Compares the table of segments with itself.
    private var segmentContradictions: [String] {
        var found: [String] = []
        let charged = segments.all.reduce(into: UInt64(0)) { $0 += $1.chargedByteCount }
        if charged != segments.chargedByteCount {
            found.append("\(segments.chargedByteCount) bytes are charged, the segments' sum is \(charged)")
        }
        if segments.names.count != segments.all.count || segments.names != segments.names.sorted() {
            found.append("the names are not those of the segments in order")
        }
        for name in segments.names where segments[name]?.name != name {
            found.append("segment \(name) isn't found by its name")
        }
        return found
    }

    /// Compares sessions, connections and attachments.
    private var sessionContradictions: [String] {
        var found: [String] = []
        let sessions = peers.values.compactMap(\.session)
        if Set(sessions.map(\.id)) != sessionIDs.live || sessions.count != sessionIDs.live.count {
            found.append("the session ids in use are not those of the connections")
        }
        if peers.values.reduce(into: [:], { $0[$1.identity.uid, default: 0] += 1 }) != connectionCounts {
            found.append("the connections of each uid are not those that are open")
        }
        let attached = sessions.reduce(into: [UInt64: Int]()) { counts, session in
            for segmentID in session.attachments.keys { counts[segmentID, default: 0] += 1 }
        }
        for segment in segments.all where segment.sessionCount != attached[segment.id, default: 0] {
            found.append("segment \(segment.name) counts \(segment.sessionCount) sessions that aren't attached")
        }
        for session in sessions {
            for (segmentID, count) in session.pins where session.attachments[segmentID] == nil || count < 1 {
                found.append(
                    "session \(session.id) has \(count) pins of segment id \(segmentID), which it isn't attached to")
            }
        }
        return found
    }

    /// Compares waiting requests with the sessions that sent them.
    private var waiterContradictions: [String] {
        var waiting: [PeerID: Int] = [:]
        for segment in segments.all {
            guard case .making(let waiters) = segment.state else { continue }
            for waiter in waiters { waiting[waiter.call.peer, default: 0] += 1 }
        }
        var found: [String] = []
        for (peer, count) in waiting where peers[peer]?.session == nil {
            found.append("\(count) requests wait for connection \(peer.rawValue), which has no session")
        }
        for (id, peer) in peers {
            guard let session = peer.session, session.waitingCount != waiting[id, default: 0] else { continue }
            found.append("session \(session.id) counts \(session.waitingCount) waiting requests")
        }
        return found
    }
}

#if SHAREDMEM_TEST_HOOKS
    extension Broker {
        /// A wrong state that a test can ask for.
        package enum Fault: CaseIterable, Sendable {
            /// A charge that is not given back.
            case charge
            /// A waiting request that nobody remembers.
            case forgottenWaiter
            /// An attachment without a session.
            case attachment
            /// A pin without an attachment.
            case pin
            /// A session without a connection.
            case session
            /// A connection that still counts against its uid.
            case connection
        }

        /// Makes the state wrong, to show that it's noticed; false: there is nothing that could be made wrong so.
        package mutating func seed(_ fault: Fault) -> Bool {
            switch fault {
            case .charge:
                guard let id = segments.all.first?.id else { return false }
                segments.lose(id)
            case .forgottenWaiter:
                for segment in segments.all {
                    guard case .making(let waiters) = segment.state, !waiters.isEmpty else { continue }
                    segments.update(segment.id) { $0.state = .making([]) }
                    return true
                }
                return false
            case .attachment:
                guard let id = segments.all.first?.id else { return false }
                segments.update(id) { $0.sessionCount += 1 }
            case .pin:
                guard let (id, _) = peers.first(where: { $0.value.session != nil }) else { return false }
                peers[id]?.session?.pins[.max] = 1
            case .session: return sessionIDs.issue() != nil
            case .connection: connectionCounts[0, default: 0] += 1
            }
            return true
        }
    }
#endif
