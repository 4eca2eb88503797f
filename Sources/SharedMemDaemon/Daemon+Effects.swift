internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol

extension Daemon {
    /// Carries out one decision; what follows from it is only noted in `events`.
    func carryOut(_ effect: Broker.Effect) {
        switch effect {
        case .reply(let id, let requestID, let reply):
            send(to: id) { (peer) throws(Errno) in
                switch reply {
                case .hello, .reconnected: try peer.greet(reply, requestID: requestID, life: life)
                default: try peer.send(reply, requestID: requestID)
                }
            }
        case .replyWithMemory(let id, let requestID, let reply, let segmentID, let access):
            send(AwaitedMemory(peer: id, requestID: requestID, reply: reply, access: access), of: segmentID)
        case .pin(let id, let requestID, let segmentID, let session):
            let reply = pin(segmentID, for: session, of: id)
            send(to: id) { (peer) throws(Errno) in try peer.send(reply, requestID: requestID) }
        case .unpin(let segmentID, let session): unpin(segmentID, for: session)
        case .setWatched(let segmentID, let words): setWatched(words, in: segmentID)
        case .restoreWatched(let segmentID, let words): restoreWatched(words, in: segmentID)
        case .disconnect(let id, let reason): disconnect(id, reason)
        case .makeMemory(let segmentID, let definition):
            make(segmentID, definition)
        case .releaseMemory(let segmentID): release(segmentID)
        case .remember(let definition):
            keep { () throws(DefinitionFolder.Failure) in try definitions?.remember(definition) }
        case .forget(let name):
            keep { () throws(DefinitionFolder.Failure) in try definitions?.forget(name) }
        case .log(let level, let sentence): log.write(Log.Level(level), sentence)
        case .statusChanged: isStatusStale = true
        case .save: save()
        case .close(let id): drop(id)
        case .forgetProcess(let identity): processes[identity] = nil
        case .repair(let segmentID, let sessions, let owner): repair(segmentID, of: sessions, owner: owner)
        case .seeLock(let id, let requestID, let segmentID): seeLock(of: segmentID, for: id, requestID)
        case .replyWithSessions(let id, let requestID, let sessions, let more):
            let reply = Reply.sessions(sessions.map { completed($0) }, more: more)
            send(to: id) { (peer) throws(Errno) in try peer.send(reply, requestID: requestID) }
        case .replyWithStatistics(let id, let requestID, let statistics):
            let reply = Reply.statistics(completed(statistics))
            send(to: id) { (peer) throws(Errno) in try peer.send(reply, requestID: requestID) }
        case .makeGeneration(let segmentID, let generation, let definition, let owner):
            makeGeneration(generation, of: segmentID, definition, from: owner)
        case .retireGeneration(let segmentID, _):
            if let old = replaced.removeValue(forKey: segmentID) { retire(old.memory, pins: old.pins) }
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

    /// Takes a session's pin away, of the generation that counts and of those that no longer do.
    private func unpin(_ segmentID: UInt64, for session: UInt32) {
        pins[segmentID]?.unpin(session)
        for generation in retired where generation.memory.segmentID == segmentID { generation.pins?.unpin(session) }
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

    /// Changes what is remembered; without a folder nothing is, and the log was told so at the start.
    private func keep(_ change: () throws(DefinitionFolder.Failure) -> Void) {
        do throws(DefinitionFolder.Failure) {
            try change()
        } catch {
            log.write(.error, "\(error), so a restart won't know of the change")
        }
    }
}
