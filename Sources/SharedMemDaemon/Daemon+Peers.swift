internal import Glibc
internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol

extension Daemon {
    /// Takes a connection that waits; the loop comes back for further ones.
    ///
    /// A try for another would cost more than being told of it, and the first one waits for its answer.
    func accept() throws(Errno) {
        do throws(Errno) {
            // The kernel gives the lowest number that is free.
            let next = try listener?.socket.descriptor.duplicated().rawValue ?? 0
            guard next < firstReservedDescriptor else { throw Errno.tooManyOpenFiles }
            guard let socket = try listener?.socket.accept() else { return }
            hasToldOfLack = false
            welcome(socket)
        } catch {
            // The client gave up before its turn; see accept(2).
            if error == Errno(rawValue: ECONNABORTED) { return }
            try pauseAccepting(error)
        }
    }

    /// Makes an accepted connection a peer.
    private func welcome(_ socket: consuming UnixSocket) {
        lastPeer += 1
        let id = PeerID(rawValue: lastPeer)
        do throws(Errno) {
            let credentials = try socket.peerIdentity()
            let process = try watchProcess(of: socket, pid: credentials.pid)
            let peer = try Peer(id: id, accepted: socket, credentials, process, loop: loop)
            peers[id] = peer
            log.write(.debug, "connection \(id.rawValue): \(peer.identity) connected")
            let token = SessionToken(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max))
            handle(.connected(id, peer.identity, process, token, at: SystemClock.realtime()))
        } catch {
            log.write(.warning, "a connection can't be served: \(error), disconnecting")
        }
    }

    /// Stops accepting for a second, or until a connection ends: without a descriptor accept(2) fails at once, again
    /// and again.
    private func pauseAccepting(_ error: Errno) throws(Errno) {
        if !hasToldOfLack {
            log.write(.error, "connections can't be accepted: \(error), so new clients wait")
            hasToldOfLack = true
        }
        try listenerSource?.setEnabled(false)
        pause = try loop.timer(milliseconds: 1000, as: .pause)
    }

    /// Goes on accepting.
    func resumeAccepting() throws(Errno) {
        guard pause != nil else { return }
        pause = nil
        try listenerSource?.setEnabled(true)
    }

    /// Reads one message of a peer; the next one makes the loop come back.
    func read(_ id: PeerID, isHungUp: Bool) {
        guard let peer = peers[id] else { return }
        switch peer.receive(into: &buffer, isHungUp: isHungUp) {
        case .request(let frame): handle(.received(id, requestID: frame.requestID, frame.request))
        case .nothing: break
        case .hangUp:
            log.write(.debug, "connection \(id.rawValue): \(peer.identity) hung up")
            // A process that died has hung up, too, and that it died says more.
            endIfDead(peer.process)
            drop(id)
            decide()
        case .offence(let what):
            disconnect(id, "\(peer.identity) \(what)")
            decide()
        }
    }

    /// Sends something to a peer; one that doesn't take it is disconnected.
    func send(to id: PeerID, _ send: (Peer) throws(Errno) -> Void) {
        guard let peer = peers[id] else { return }
        do throws(Errno) {
            try send(peer)
        } catch {
            switch error {
            case .wouldBlock: disconnect(id, "\(peer.identity) doesn't read its replies")
            case .brokenPipe, .connectionReset, .notConnected: drop(id)
            default: disconnect(id, "\(peer.identity) can't be answered: \(error)")
            }
        }
    }

    /// Ends a connection and says why: `reason` is a sentence that names the process.
    func disconnect(_ id: PeerID, _ reason: String) {
        guard peers[id] != nil else { return }
        log.write(.warning, "\(reason), disconnecting")
        drop(id)
    }

    /// Ends a connection; the broker is still to be told.
    func drop(_ id: PeerID) {
        guard peers.removeValue(forKey: id) != nil else { return }
        hasDropped = true
        events.append(.hungUp(id))
    }
}
