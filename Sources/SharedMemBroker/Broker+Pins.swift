internal import SharedMemProtocol

// A session has one pin of a segment, however often it asks for it: the broker counts.

extension Broker {
    /// Pins a segment for a session that is attached to it.
    mutating func pin(_ segmentID: UInt64, _ call: Call) throws(Refusal) -> [Effect] {
        guard let session = peers[call.peer]?.session, session.attachments[segmentID] != nil else {
            throw .notAttached(segmentID)
        }
        guard segments[segmentID] != nil else { throw .removed(segmentID) }
        peers[call.peer]?.session?.pins[segmentID, default: 0] += 1
        return [.pin(call.peer, requestID: call.requestID, segmentID: segmentID, session: session.id)]
    }

    /// Takes one pin back; that the segment was removed in between is no error.
    mutating func unpin(_ segmentID: UInt64, _ call: Call) throws(Refusal) -> [Effect] {
        guard let count = peers[call.peer]?.session?.pins[segmentID] else { throw .notPinned(segmentID) }
        var effects: [Effect] = []
        if count > 1 {
            peers[call.peer]?.session?.pins[segmentID] = count - 1
        } else {
            effects = dropPin(segmentID, of: call.peer)
        }
        return effects + [.reply(call.peer, requestID: call.requestID, .unpinned)]
    }

    /// Forgets a pin that couldn't be had.
    mutating func losePin(_ segmentID: UInt64, of peer: PeerID) -> [Effect] {
        guard let count = peers[peer]?.session?.pins[segmentID] else { return [] }
        peers[peer]?.session?.pins[segmentID] = count > 1 ? count - 1 : nil
        return []
    }

    /// Takes a session's pin of a segment back, however often it was asked for.
    mutating func dropPin(_ segmentID: UInt64, of peer: PeerID) -> [Effect] {
        guard let session = peers[peer]?.session, session.pins[segmentID] != nil else { return [] }
        peers[peer]?.session?.pins[segmentID] = nil
        return segments[segmentID] == nil ? [] : [.unpin(segmentID: segmentID, session: session.id)]
    }

    /// Takes all pins of a session back.
    mutating func dropPins(of peer: PeerID) -> [Effect] {
        (peers[peer]?.session?.pins.keys.sorted() ?? []).flatMap { dropPin($0, of: peer) }
    }
}
