internal import SharedMemProtocol

// A lock word whose owner never gives it back stops every writer. One whose process is dead was repaired; one that names
// anybody else than a writer that lives and has its connection, or may come back to it, is replaced with the generation.

extension Broker {
    /// Has the lock word looked at for a session that waits for it.
    func askForOwner(of segmentID: UInt64, _ call: Call) throws(Refusal) -> [Effect] {
        guard let session = session(of: call.peer), session.attachments[segmentID] != nil else {
            throw .notAttached(segmentID)
        }
        guard let segment = segments[segmentID] else { throw .removed(segmentID) }
        guard session.writable.contains(segmentID) else { throw .owner(of: segment, call.identity) }
        return [.seeLock(call.peer, requestID: call.requestID, segmentID: segmentID)]
    }

    /// Says who owns a lock word, and replaces the generation if that one never gives it back.
    mutating func judge(
        _ owner: UInt32, of segmentID: UInt64, takenAt: UInt64, for peer: PeerID, _ requestID: UInt32
    ) -> [Effect] {
        func answer(_ reply: Reply) -> [Effect] {
            session(of: peer) == nil ? [] : [.reply(peer, requestID: requestID, reply)]
        }
        guard let segment = segments[segmentID], segment.memory != nil else {
            return answer(.failure(Refusal.removed(segmentID).failure))
        }
        let known = sessions[owner]
        if !segment.isSpoiled {
            if owner == 0 || recentDeaths.forget(owner) {
                sessions.noteOwner(nil, of: segmentID)
                return answer(.holder(.nobody))
            }
            if let known, known.mayRelease(segmentID, takenAt: takenAt) {
                sessions.noteOwner(nil, of: segmentID)
                return answer(.holder(Holder(known, state: known.isRestored ? .restored : .connected, takenAt)))
            }
        }
        do throws(Refusal) {
            let effects = try replaceOwner(owner, of: segment)
            let holder =
                known.map { Holder($0, state: .replaced, takenAt) }
                ?? Holder(session: owner, state: .replaced, pid: 0, uid: 0, takenAt: takenAt, program: [])
            return answer(.holder(holder)) + effects
        } catch {
            return answer(.failure(error.failure)) + tellOfLack(segment, error)
        }
    }

    /// Replaces the generation of a segment whose lock word was held at the start by somebody who never gives it back.
    mutating func judge(_ owner: UInt32, of segmentID: UInt64) -> [Effect] {
        guard let segment = segments[segmentID], segment.memory != nil, owner != 0 else { return [] }
        guard !recentDeaths.ids.contains(owner), sessions[owner]?.mayRelease(segmentID, takenAt: 0) != true else {
            return []
        }
        do throws(Refusal) {
            return try replaceOwner(owner, of: segment)
        } catch {
            return tellOfLack(segment, error)
        }
    }

    /// Replaces the generation of a segment that a repair couldn't mend.
    mutating func spoil(_ segmentID: UInt64) -> [Effect] {
        guard let segment = segments[segmentID], segment.memory != nil else { return [] }
        segments.update(segmentID) { $0.isSpoiled = true }
        guard !switches.contains(segmentID) else { return [] }
        let sentence = "segment \(segment.name) can't be trusted as it is"
        do throws(Refusal) {
            return try replaceGeneration(of: segment, from: nil, because: sentence)
        } catch {
            return tellOfLack(segment, error)
        }
    }

    /// Counts a lock word that was taken over from a dead session.
    mutating func noteRepair(of segmentID: UInt64) -> [Effect] {
        record.repairCount += 1
        return []
    }

    /// Has a lock word's owner replaced, unless that goes on already.
    private mutating func replaceOwner(_ owner: UInt32, of segment: Segment) throws(Refusal) -> [Effect] {
        sessions.noteOwner(owner, of: segment.id)
        guard !switches.contains(segment.id) else {
            switches.insert(SwitchQueue.Switch(segmentID: segment.id, owner: owner == 0 ? nil : owner))
            return []
        }
        return try replaceGeneration(
            of: segment, from: owner == 0 ? nil : owner, because: describeOwner(owner, of: segment))
    }

    /// Says in words who owns a lock word.
    private func describeOwner(_ owner: UInt32, of segment: Segment) -> String {
        if segment.isSpoiled { return "segment \(segment.name) can't be trusted as it is" }
        let begin = "the lock of segment \(segment.name) is held by session \(owner)"
        guard let session = sessions[owner] else { return "\(begin), which doesn't exist" }
        if !session.writable.contains(segment.id) { return "\(begin) of \(session), which may not write it" }
        if session.state == .abandoned { return "\(begin) of \(session), which has closed its connection" }
        return "\(begin) of \(session), which has begun anew since it took it"
    }

    /// Logs, once, that there is no room for a segment's next generation.
    private mutating func tellOfLack(_ segment: Segment, _ refusal: Refusal) -> [Effect] {
        guard !segment.hasToldOfLack else { return [] }
        segments.update(segment.id) { $0.hasToldOfLack = true }
        return [.log(.error, "\(refusal.failure.text), so its writers wait")]
    }
}

extension Session {
    /// Whether it hasn't reconnected since the daemon's restart.
    var isRestored: Bool { state == .restored }
}

extension Holder {
    /// A lock word that is free.
    fileprivate static var nobody: Holder {
        Holder(session: 0, state: .none, pid: 0, uid: 0, takenAt: 0, program: [])
    }

    /// Describes the session that has a lock word.
    fileprivate init(_ session: Session, state: Holder.State, _ takenAt: UInt64) {
        self.init(
            session: session.id, state: state, pid: session.process.pid, uid: session.uid, takenAt: takenAt,
            program: session.program)
    }
}
