internal import SharedMemProtocol

// A session has one pin of a segment, however often it asks for it: the broker counts. Pins end with the connection; those
// that an earlier daemon set are kept for a session that hasn't reconnected yet.

extension Broker {
    /// Pins a segment for a session that is attached to it.
    mutating func pin(_ segmentID: UInt64, _ call: Call) throws(Refusal) -> [Effect] {
        guard let session = session(of: call.peer), session.attachments[segmentID] != nil else {
            throw .notAttached(segmentID)
        }
        guard segments[segmentID] != nil else { throw .removed(segmentID) }
        sessions.update(session.id) { $0.pins[segmentID, default: 0] += 1 }
        return [.pin(call.peer, requestID: call.requestID, segmentID: segmentID, session: session.id)]
    }

    /// Takes one pin back; that the segment was removed in between is no error.
    mutating func unpin(_ segmentID: UInt64, _ call: Call) throws(Refusal) -> [Effect] {
        guard let session = session(of: call.peer), let count = session.pins[segmentID] else {
            throw .notPinned(segmentID)
        }
        var effects: [Effect] = []
        if count > 1 {
            sessions.update(session.id) { $0.pins[segmentID] = count - 1 }
        } else {
            effects = dropPin(segmentID, of: session.id)
        }
        return effects + [.reply(call.peer, requestID: call.requestID, .unpinned)]
    }

    /// Forgets a pin that couldn't be had.
    mutating func losePin(_ segmentID: UInt64, of peer: PeerID) -> [Effect] {
        updateSession(of: peer) {
            guard let count = $0.pins[segmentID] else { return }
            $0.pins[segmentID] = count > 1 ? count - 1 : nil
        }
        return []
    }

    /// Keeps a pin that an earlier daemon set, or has it taken away if nobody can give it back.
    ///
    /// A session that can write the segment sets and clears its pins on its own.
    mutating func keepPin(_ segmentID: UInt64, of id: UInt32) -> [Effect] {
        guard segments[segmentID] != nil else { return [] }
        guard let session = sessions[id], session.state != .abandoned else {
            let isWriter = sessions[id]?.writable.contains(segmentID) == true
            return isWriter ? [] : [.unpin(segmentID: segmentID, session: id)]
        }
        if !session.writable.contains(segmentID) { sessions.update(id) { $0.pins[segmentID] = 1 } }
        return []
    }

    /// Takes a session's pin of a segment back, however often it was asked for.
    mutating func dropPin(_ segmentID: UInt64, of id: UInt32) -> [Effect] {
        guard sessions[id]?.pins[segmentID] != nil else { return [] }
        sessions.update(id) { $0.pins[segmentID] = nil }
        return segments[segmentID] == nil ? [] : [.unpin(segmentID: segmentID, session: id)]
    }

    /// Takes all pins of a session back.
    mutating func dropPins(of id: UInt32) -> [Effect] {
        (sessions[id]?.pins.keys.sorted() ?? []).flatMap { dropPin($0, of: id) }
    }
}
