internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol

extension Daemon {
    /// Carries out one decision; what follows from it is only noted in `events`.
    func carryOut(_ effect: Broker.Effect) {
        switch effect {
        case .reply(let id, let requestID, let reply):
            send(to: id) { (peer) throws(Errno) in try peer.send(reply, requestID: requestID) }
        case .replyWithMemory(let id, let requestID, let reply, let segmentID, let access):
            guard let memory = memory[segmentID] else {
                log.write(.error, "segment \(segmentID) has no memory to send, disconnecting")
                drop(id)
                return
            }
            send(to: id) { (peer) throws(Errno) in
                try peer.send(reply, requestID: requestID, memory: memory, access: access)
            }
        case .pin(let id, let requestID, let segmentID, let session):
            let reply = pin(segmentID, for: session, of: id)
            send(to: id) { (peer) throws(Errno) in try peer.send(reply, requestID: requestID) }
        case .unpin(let segmentID, let session): pins[segmentID]?.unpin(session)
        case .disconnect(let id, let reason): disconnect(id, reason)
        case .makeMemory(let segmentID, let definition):
            beingMade.insert(segmentID)
            maker.make(segmentID: segmentID, definition)
        case .releaseMemory(let segmentID): release(segmentID)
        case .remember(let definition):
            keep { () throws(DefinitionFolder.Failure) in try definitions?.remember(definition) }
        case .forget(let name):
            keep { () throws(DefinitionFolder.Failure) in try definitions?.forget(name) }
        case .log(let level, let sentence): log.write(Log.Level(level), sentence)
        case .statusChanged: isStatusStale = true
        }
    }

    /// Tells the broker what the worker has made.
    func takeOutcomes() {
        for outcome in maker.outcomes() {
            switch outcome {
            case .made(let segmentID, let made):
                beingMade.remove(segmentID)
                memory[segmentID] = made
                handle(
                    .memoryMade(
                        segmentID: segmentID, dataByteCount: UInt64(made.dataByteCount),
                        lockByteCount: UInt64(made.lockByteCount), createdAt: made.createdAt))
            case .failed(let segmentID, let failure):
                beingMade.remove(segmentID)
                handle(.memoryFailed(segmentID: segmentID, error: failure.errno.rawValue, reason: failure.reason))
            case .moved, .notMoved, .punched, .notPunched: break
            }
        }
    }

    /// Pins a segment for a session and says how that went; the broker is told of a failure.
    private func pin(_ segmentID: UInt64, for session: UInt32, of peer: PeerID) -> Reply {
        do throws(SegmentMemory.Failure) {
            try pins(of: segmentID).pin(session)
            return .pinned
        } catch {
            events.append(.pinFailed(peer, segmentID: segmentID))
            return .failure(
                Failure(error: error.errno.rawValue, text: "segment id \(segmentID) can't be pinned: \(error.reason)"))
        }
    }

    /// The pins of a segment, made for the first of them.
    private func pins(of segmentID: UInt64) throws(SegmentMemory.Failure) -> SegmentPins {
        if let known = pins[segmentID] { return known }
        guard let memory = memory[segmentID] else {
            throw SegmentMemory.Failure(errno: .noSuchFileOrDirectory, reason: "it has no memory")
        }
        let made = SegmentPins(of: memory)
        pins[segmentID] = made
        return made
    }

    /// Marks a segment's memory as removed and lets the worker close it.
    private func release(_ segmentID: UInt64) {
        pins[segmentID] = nil
        guard let released = memory.removeValue(forKey: segmentID) else { return }
        do throws(SegmentMemory.Failure) {
            try released.markRemoved()
        } catch {
            log.write(
                .warning,
                "segment \(segmentID) can't be marked as removed: \(error.reason); its clients keep it until they exit")
        }
        maker.release(released)
    }

    /// Changes what is remembered; without a folder nothing is, and the log was told so at the start.
    private func keep(_ change: () throws(DefinitionFolder.Failure) -> Void) {
        do throws(DefinitionFolder.Failure) {
            try change()
        } catch {
            log.write(.error, "\(error), so a restart won't know of the change")
        }
    }
}

// MARK: - Telling the service manager

extension Daemon {
    /// Accepts connections and says that the daemon serves, once all segments that were asked for are made: a client
    /// that connects earlier waits in the socket's queue.
    func serveWhenReady() throws(Errno) {
        guard isReadyOwed, beingMade.isEmpty else { return }
        isReadyOwed = false
        if listenerSource == nil {
            listenerSource = try listener?.watched(by: loop)
            log.write(.notice, "serving at \(listener?.place ?? "no socket"); \(statusSentence)")
        }
        tell { (manager) throws(Errno) in try manager.ready() }
        isStatusStale = true
        try tellStatus()
    }

    /// Says how things are, at most once a second.
    func tellStatus() throws(Errno) {
        guard isStatusStale, statusPause == nil, !isReadyOwed else { return }
        isStatusStale = false
        let sentence = statusSentence
        tell { (manager) throws(Errno) in try manager.status(sentence) }
        statusPause = try loop.timer(milliseconds: 1000, as: .status)
    }

    /// How things are: `3 segments, 1.0 GiB; 12 sessions`.
    private var statusSentence: String {
        let summary = broker.summary
        let segments = Self.count(summary.segmentCount, "segment")
        return "\(segments), \(ByteSize(summary.byteCount)); \(Self.count(summary.sessionCount, "session"))"
    }

    /// A number of things, in words.
    private static func count(_ number: Int, _ thing: String) -> String {
        "\(number) \(thing)\(number == 1 ? "" : "s")"
    }

    /// Tells the service manager something; that it can't be told is logged and survived.
    func tell(_ message: (ServiceManager) throws(Errno) -> Void) {
        do throws(Errno) {
            try message(serviceManager)
        } catch {
            log.write(.warning, "the service manager can't be told: \(error), ignoring")
        }
    }
}
