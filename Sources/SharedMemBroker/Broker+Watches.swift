internal import SharedMemProtocol

// What a session watches is saved before it's told so, and before the flags are taken away: whoever starts next knows it
// exactly. A segment counts its watchers, so that no request looks at other sessions. Watches are those of one
// generation: the next one begins with none, and who watched the old one is woken and watches anew.

extension Broker {
    /// Adds to what a session watches.
    mutating func watch(_ request: WatchRequest, _ call: Call) throws(Refusal) -> [Effect] {
        let segmentID = request.segmentID
        guard let session = session(of: call.peer), session.attachments[segmentID] != nil else {
            throw .notAttached(segmentID)
        }
        guard !request.words.isEmpty else { throw .nothingToWatch(segmentID) }
        guard let segment = segments[segmentID], let memory = segment.memory else { throw .removed(segmentID) }
        guard memory.generation == request.generation else { throw .generation(request, of: segment) }
        guard switches.running?.segmentID != segmentID else { throw .moving(segment) }
        setWatches(session.watched(in: segmentID).union(request.words), of: session.id, in: segmentID)
        // Also if nothing is new: a writer may have spoiled the flags.
        return [
            setWatched(segmentID), .reply(call.peer, requestID: call.requestID, .watched),
        ]
    }

    /// Takes away from what a session watches; what it doesn't watch, or can't any more, is no error.
    mutating func unwatch(_ request: WatchRequest, _ call: Call) -> [Effect] {
        var effects: [Effect] = []
        if let session = session(of: call.peer),
            segments[request.segmentID]?.memory?.generation == request.generation
        {
            effects = changeWatches(
                session.watched(in: request.segmentID).subtracting(request.words), of: session.id, in: request.segmentID
            )
        }
        return effects + [.reply(call.peer, requestID: call.requestID, .unwatched)]
    }

    /// Takes away all that a session watches in a segment.
    mutating func dropWatches(_ segmentID: UInt64, of id: UInt32) -> [Effect] {
        changeWatches(WatchSet(), of: id, in: segmentID)
    }

    /// Takes away all that a session watches.
    mutating func dropWatches(of id: UInt32) -> [Effect] {
        (sessions[id]?.watches ?? []).flatMap { dropWatches($0.segmentID, of: id) }
    }

    /// Forgets who watches a segment whose memory doesn't count any more.
    mutating func forgetWatches(in segmentID: UInt64) {
        guard segments[segmentID]?.watchCounts.words.isEmpty != true else { return }
        for id in sessions.sortedIDs where sessions[id]?.watched(in: segmentID).isEmpty == false {
            setWatches(WatchSet(), of: id, in: segmentID)
        }
    }

    /// Has the flags of all segments set to what those sessions watch that an earlier daemon knew.
    func restoreWatched() -> [Effect] {
        segments.all.sorted { $0.id < $1.id }.map { segment in
            .restoreWatched(segmentID: segment.id, segment.watchCounts.words)
        }
    }

    /// Counts what a restored session watches.
    mutating func countWatches(of session: Session) {
        for watch in session.watches { segments.update(watch.segmentID) { $0.watchCounts.add(watch.words) } }
    }

    /// Replaces what a session watches in a segment, and has the flags changed if they do.
    private mutating func changeWatches(_ words: WatchSet, of id: UInt32, in segmentID: UInt64) -> [Effect] {
        let before = segments[segmentID]?.watchCounts.words
        setWatches(words, of: id, in: segmentID)
        return segments[segmentID]?.watchCounts.words == before ? [] : [setWatched(segmentID)]
    }

    /// Has the flags of a segment set to what is watched.
    private func setWatched(_ segmentID: UInt64) -> Effect {
        .setWatched(segmentID: segmentID, segments[segmentID]?.watchCounts.words ?? WatchSet())
    }

    /// Replaces what a session watches in a segment, in both tables.
    private mutating func setWatches(_ words: WatchSet, of id: UInt32, in segmentID: UInt64) {
        let before = sessions[id]?.watched(in: segmentID) ?? WatchSet()
        guard words != before else { return }
        sessions.update(id) { $0.setWatches(words, in: segmentID) }
        segments.update(segmentID) {
            $0.watchCounts.add(words.subtracting(before))
            $0.watchCounts.remove(before.subtracting(words))
        }
    }
}
