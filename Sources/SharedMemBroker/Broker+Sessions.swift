internal import SharedMemProtocol

extension Broker {
    /// Takes a connection in, unless its user holds too many.
    mutating func connect(_ id: PeerID, _ peer: Peer) -> [Effect] {
        guard peers[id] == nil else {
            return [.log(.error, "connection \(id.rawValue) was reported twice, ignoring the second report")]
        }
        let identity = peer.identity
        let count = connectionCounts[identity.uid, default: 0]
        guard identity.isRoot || count < configuration.connectionsPerUser else {
            let reason =
                "\(identity) connected while uid \(identity.uid) holds \(count) connections, "
                + "expected at most \(configuration.connectionsPerUser)"
            return [.disconnect(id, reason: reason)] + forgetProcess(peer.process)
        }
        connectionCounts[identity.uid] = count + 1
        peers[id] = peer
        processes.insert(id, of: peer.process)
        return []
    }

    /// Begins a session, or goes on with one that its process left, with the first attach if HELLO asks for one.
    mutating func greet(_ hello: Hello, _ call: Call) -> [Effect] {
        guard let major = commonMajor(with: hello.majors) else { return refuseProtocol(hello.majors, call) }
        guard let peer = peers[call.peer] else { return [] }
        guard let sessionID = takeUpLeftSession(of: peer) ?? beginSession(of: peer, over: call.peer) else {
            let refusal = Refusal.sessions(limit: sessions.limit)
            return [.reply(call.peer, requestID: call.requestID, .failure(refusal.failure))]
        }
        peers[call.peer]?.state = .session(sessionID)
        sessions.update(sessionID) {
            $0.state = .connected(call.peer)
            $0.token = peer.token
            $0.program = hello.program
        }
        let greeting = Greeting(
            features: hello.features & ProtocolLimits.features, session: sessionID, major: major, token: peer.token)
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

    /// Goes on with a session whose token the caller shows, over its connection instead of the one that it had.
    ///
    /// What was attached is to be attached again. What it watches stays, and so do pins that were found after a restart.
    mutating func resume(_ reconnect: Reconnect, _ call: Call) -> [Effect] {
        guard let major = commonMajor(with: reconnect.majors) else { return refuseProtocol(reconnect.majors, call) }
        guard let peer = peers[call.peer] else { return [] }
        do throws(Refusal) {
            guard let session = sessions[reconnect.session] else { throw .noSuchSession(reconnect.session) }
            guard session.process == peer.process, session.token == reconnect.token else {
                throw .foreignSession(reconnect.session, call.identity)
            }
            var effects: [Effect] = []
            if case .connected(let old) = session.state {
                effects = giveBack(session.id) + [.close(old)]
                _ = forgetConnection(old)
            }
            peers[call.peer]?.state = .session(session.id)
            sessions.update(session.id) {
                $0.state = .connected(call.peer)
                $0.uid = call.identity.uid
                $0.gid = call.identity.gid
            }
            let greeting = Greeting(
                features: reconnect.features & ProtocolLimits.features, session: session.id, major: major,
                token: session.token)
            return effects + [.reply(call.peer, requestID: call.requestID, .reconnected(greeting.welcome))]
        } catch {
            return [.reply(call.peer, requestID: call.requestID, .failure(error.failure))]
        }
    }

    /// Goes on with the oldest session that a process left and that belongs to the same user; nil: there is none.
    ///
    /// Its requests are counted anew.
    private mutating func takeUpLeftSession(of peer: Peer) -> UInt32? {
        let left = processes[peer.process].sessions.sorted().first {
            sessions[$0].map { $0.state == .abandoned && $0.uid == peer.identity.uid } == true
        }
        guard let left else { return nil }
        segments.forgetCreations(of: left)
        sessions.update(left) {
            $0.gid = peer.identity.gid
            $0.lastChange = nil
            $0.resumedAt = peer.connectedAt
        }
        return left
    }

    /// Adds a session; nil: there are as many as there may be.
    private mutating func beginSession(of peer: Peer, over connection: PeerID) -> UInt32? {
        guard let id = sessions.issueID() else { return nil }
        recentDeaths.forget(id)
        sessions.insert(
            Session(
                id: id, process: peer.process, token: peer.token, uid: peer.identity.uid, gid: peer.identity.gid,
                since: peer.connectedAt, program: [], state: .connected(connection)))
        processes.insert(id, of: peer.process)
        return id
    }

    /// The newest protocol that both sides speak.
    private func commonMajor(with client: ClosedRange<UInt16>) -> UInt16? {
        let daemon = ProtocolLimits.majors
        return daemon.overlaps(client) ? min(daemon.upperBound, client.upperBound) : nil
    }

    /// Refuses a client that speaks no protocol that the daemon speaks.
    private mutating func refuseProtocol(_ client: ClosedRange<UInt16>, _ call: Call) -> [Effect] {
        let refusal = Refusal.protocols(client)
        return [.reply(call.peer, requestID: call.requestID, .failure(refusal.failure))]
            + disconnect(call.peer, reason: "\(call.identity): \(refusal.failure.text)")
    }
}
