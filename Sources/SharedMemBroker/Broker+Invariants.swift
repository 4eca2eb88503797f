internal import SharedMemProtocol

extension Broker {
    /// What the state says against itself, for tests; empty as long as the rules keep it right.
    package var contradictions: [String] {
        segmentContradictions + sessionContradictions + watchContradictions + processContradictions
            + waiterContradictions + switchContradictions
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
        if isConfigured, !lostSegments.isEmpty {
            found.append("\(lostSegments.count) lost segments were not made again")
        }
        for segment in segments.all {
            if segment.id >= segments.nextID { found.append("segment id \(segment.id) is still to be issued") }
            if let memory = segment.memory, memory.chargedByteCount != segment.chargedByteCount {
                found.append("segment \(segment.name) isn't charged with its memory")
            }
            if let creation = segment.creation, segment.memory != nil || sessions[creation.session] == nil {
                found.append("segment \(segment.name) is being made for session \(creation.session), which has ended")
            }
        }
        return found
    }

    /// Compares sessions, rights, attachments and pins.
    private var sessionContradictions: [String] {
        var found: [String] = []
        if sessions.all.filter({ $0.state == .abandoned }).count != sessions.abandonedCount {
            found.append("\(sessions.abandonedCount) sessions are counted as abandoned")
        }
        let attached = sessions.all.reduce(into: [UInt64: Int]()) { counts, session in
            for segmentID in session.attachments.keys { counts[segmentID, default: 0] += 1 }
        }
        for segment in segments.all where segment.sessionCount != attached[segment.id, default: 0] {
            found.append("segment \(segment.name) counts \(segment.sessionCount) sessions that aren't attached")
        }
        for session in sessions.all {
            if case .connected(let peer) = session.state, peers[peer]?.sessionID != session.id {
                found.append("session \(session.id) has connection \(peer.rawValue), which isn't its own")
            }
            if session.state == .abandoned {
                if !session.attachments.isEmpty || !session.pins.isEmpty {
                    found.append("session \(session.id) was abandoned and holds attachments or pins")
                }
                if session.writable.isEmpty, session.lastChange == nil, !segments.isMaking(for: session.id) {
                    found.append("session \(session.id) was abandoned and nothing depends on it")
                }
            }
            for segmentID in session.writable where segments[segmentID]?.memory == nil {
                found.append("session \(session.id) may write segment id \(segmentID), which doesn't exist")
            }
            for (segmentID, count) in session.pins where count < 1 || segmentID >= segments.nextID {
                found.append("session \(session.id) has \(count) pins of segment id \(segmentID)")
            }
        }
        for (segmentID, id) in sessions.strangers where segments[segmentID] == nil || sessions[id] != nil {
            found.append("session id \(id) is kept free for the lock of segment id \(segmentID)")
        }
        return found
    }

    /// Compares what sessions watch with what the segments count.
    private var watchContradictions: [String] {
        var found: [String] = []
        var sets: [UInt64: [WatchSet]] = [:]
        for session in sessions.all {
            if session.state == .abandoned, !session.watches.isEmpty {
                found.append("session \(session.id) was abandoned and watches")
            }
            for (previous, watch) in zip([nil] + session.watches.map(\.segmentID), session.watches) {
                sets[watch.segmentID, default: []].append(watch.words)
                let isOrdered = previous.map { $0 < watch.segmentID } ?? true
                if watch.words.isEmpty || !isOrdered || segments[watch.segmentID]?.memory == nil {
                    found.append("session \(session.id) watches \(watch.words) of segment id \(watch.segmentID)")
                }
            }
        }
        for segment in segments.all where !segment.watchCounts.isSum(of: sets[segment.id] ?? []) {
            found.append("segment \(segment.name) counts watchers of \(segment.watchCounts.words) that aren't there")
        }
        return found
    }

    /// Compares processes with what they have, and connections with what is counted.
    private var processContradictions: [String] {
        var found: [String] = []
        var holdings: [ProcessIdentity: ProcessTable.Holdings] = [:]
        for (id, peer) in peers {
            holdings[peer.process, default: .init()].peers.insert(id)
            guard let session = peer.sessionID, sessions[session]?.state != .connected(id) else { continue }
            found.append("connection \(id.rawValue) is that of session \(session), which has another one")
        }
        for session in sessions.all { holdings[session.process, default: .init()].sessions.insert(session.id) }
        if holdings != processes.holdings { found.append("the processes are not those of connections and sessions") }
        if peers.values.reduce(into: [:], { $0[$1.identity.uid, default: 0] += 1 }) != connectionCounts {
            found.append("the connections of each uid are not those that are open")
        }
        return found
    }

    /// Compares waiting requests with the connections that sent them.
    private var waiterContradictions: [String] {
        var waiting: [PeerID: Int] = [:]
        for segment in segments.all {
            guard case .making(let waiters) = segment.state else { continue }
            for waiter in waiters { waiting[waiter.call.peer, default: 0] += 1 }
        }
        var found: [String] = []
        for (peer, count) in waiting where peers[peer]?.sessionID == nil {
            found.append("\(count) requests wait for connection \(peer.rawValue), which has no session")
        }
        for (id, peer) in peers where peer.waitingCount != waiting[id, default: 0] {
            found.append("connection \(id.rawValue) counts \(peer.waitingCount) waiting requests")
        }
        return found
    }

    /// Compares the moves to new generations with the segments.
    private var switchContradictions: [String] {
        var found: [String] = []
        if isConfigured, switches.running == nil, !switches.waiting.isEmpty {
            found.append("\(switches.waiting.count) segments are to move and none does")
        }
        for segmentID in switches.waiting.map(\.segmentID) where segments[segmentID]?.memory == nil {
            found.append("segment id \(segmentID) is to move and doesn't exist")
        }
        if Set(switches.waiting.map(\.segmentID)).count != switches.waiting.count {
            found.append("a segment is to move twice")
        }
        if let running = switches.running, let memory = segments[running.segmentID]?.memory,
            running.generation != memory.generation + 1
        {
            found.append("segment id \(running.segmentID) moves to generation \(running.generation)")
        }
        return found
    }
}
