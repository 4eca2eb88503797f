internal import SharedMemProtocol

extension Broker {
    /// Goes on where an earlier daemon stopped, with those of its segments whose memory was found and those of its sessions
    /// whose processes live.
    ///
    /// What dead processes could write is repaired.
    mutating func restore(
        _ state: SavedState, living: Set<ProcessIdentity>, kept: Set<UInt64>
    ) -> [Effect] {
        guard sessions.count == 0, segments.names.isEmpty, peers.isEmpty else {
            return [.log(.error, "what an earlier daemon saved came too late, ignoring")]
        }
        record.firstStartedAt = state.firstStartedAt
        record.restartCount = state.restartCount + 1
        segments.resumeIDs(at: state.nextSegmentID)
        sessions.resumeIDs(at: state.nextSessionID)
        segments.isChanged = true
        var effects: [Effect] = []
        for saved in state.segments { effects += takeUp(saved, isKept: kept.contains(saved.id)) }
        let segmentIDs = Set(segments.all.map(\.id))
        var dead: [ProcessIdentity: [Session]] = [:]
        for saved in state.sessions {
            let session = Session(saved, segmentIDs: segmentIDs)
            guard living.contains(saved.process) else {
                dead[saved.process, default: []].append(session)
                continue
            }
            effects += takeUp(session)
        }
        let processes = dead.keys.sorted { ($0.pid, $0.mark) < ($1.pid, $1.mark) }
        for process in processes {
            for session in dead[process] ?? [] { recentDeaths.insert(session.id) }
            effects += repairs(after: dead[process] ?? [])
        }
        effects += restoreWatched()
        // Those that nothing depends on; only now are all of a process's sessions known.
        for id in sessions.sortedIDs { _ = endIfIdle(id) }
        for process in living.sorted(by: { ($0.pid, $0.mark) < ($1.pid, $1.mark) }) {
            effects += forgetProcess(process)
        }
        let counts = "\(segments.names.count) segments and \(sessions.count) sessions"
        let sentence =
            "took over \(counts) from an earlier daemon; \(state.segments.count - segments.names.count) segments are "
            + "lost, \(processes.count) processes have ended"
        effects.append(.log(.notice, sentence))
        return effects
    }

    /// Takes a segment up, or notes that its values are lost.
    private mutating func takeUp(_ saved: SavedSegment, isKept: Bool) -> [Effect] {
        let name = saved.definition.name
        guard isKept else {
            lostSegments.append(saved)
            return [
                .log(.error, "the values of segment \(name) are lost: its memory was not kept; it is made again, empty")
            ]
        }
        guard segments[name] == nil, segments[saved.id] == nil else {
            return [
                .log(.error, "segment \(name), id \(saved.id), was saved twice, releasing the second one"),
                .releaseMemory(segmentID: saved.id),
            ]
        }
        segments.resumeIDs(at: saved.id + 1)
        segments.insert(Segment(saved))
        return []
    }

    /// Takes a session up whose process lives.
    private mutating func takeUp(_ session: Session) -> [Effect] {
        guard sessions[session.id] == nil else {
            return [.log(.error, "session \(session.id) was saved twice, ignoring the second one")]
        }
        sessions.insert(session)
        countWatches(of: session)
        processes.insert(session.id, of: session.process)
        return []
    }
}
