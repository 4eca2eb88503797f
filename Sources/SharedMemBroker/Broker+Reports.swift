internal import SharedMemProtocol

extension Broker {
    /// Describes a page of the sessions that the caller may see, each with each of its segments.
    func describeSessions(after cursor: SessionCursor?, _ call: Call) -> [Effect] {
        var page: [SessionDescription] = []
        let first = cursor?.session ?? 0
        for id in sessions.sortedIDs where id >= first {
            guard let session = sessions[id], call.identity.isRoot || session.uid == call.identity.uid else { continue }
            for entry in describe(session) {
                if let cursor, id == cursor.session, entry.segmentID <= cursor.segmentID { continue }
                guard page.count < Reply.maximumSessionCount else {
                    return [.replyWithSessions(call.peer, requestID: call.requestID, page, more: true)]
                }
                page.append(entry)
            }
        }
        return [.replyWithSessions(call.peer, requestID: call.requestID, page, more: false)]
    }

    /// What the broker knows of how the daemon is.
    var statistics: Statistics {
        var statistics = Statistics()
        statistics.startedAt = record.startedAt
        statistics.firstStartedAt = record.firstStartedAt
        statistics.restartCount = record.restartCount
        statistics.byteCount = segments.chargedByteCount
        statistics.byteLimit = configuration.memoryLimit
        statistics.repairCount = record.repairCount
        statistics.switchCount = record.switchCount
        statistics.segmentCount = UInt32(clamping: segments.names.count)
        statistics.sessionCount = UInt32(clamping: sessions.count - sessions.abandonedCount)
        statistics.abandonedCount = UInt32(clamping: sessions.abandonedCount)
        return statistics
    }

    /// Describes a session with each of its segments, or without any if it has none.
    private func describe(_ session: Session) -> [SessionDescription] {
        let segmentIDs = session.writable.union(session.attachments.keys).sorted()
        var description = SessionDescription(
            session: session.id, state: session.state.described, pid: session.process.pid, uid: session.uid,
            since: session.since, segmentID: 0, access: nil, attachedCount: 0, segment: nil, program: session.program)
        guard !segmentIDs.isEmpty else { return [description] }
        return segmentIDs.map { segmentID in
            description.segmentID = segmentID
            description.access = session.writable.contains(segmentID) ? .readWrite : .readOnly
            description.attachedCount = UInt32(clamping: session.attachments[segmentID] ?? 0)
            description.segment = segments[segmentID]?.name
            return description
        }
    }
}

extension Session.State {
    /// The state as clients are told.
    fileprivate var described: SessionDescription.State {
        switch self {
        case .connected: .connected
        case .restored: .restored
        case .abandoned: .abandoned
        }
    }
}
