internal import SharedMemProtocol

extension Broker {
    /// Attaches a session to a segment, as soon as its memory is there.
    mutating func attach(_ name: SegmentName, _ access: Access, _ call: Call) throws(Refusal) -> [Effect] {
        let segment = try find(name)
        try require(access, to: segment, call.identity)
        return try serve(Waiter(call: call, purpose: .attach(access)), segment)
    }

    /// Gives one attachment back; a segment that was removed in between is no error.
    mutating func detach(_ segmentID: UInt64, _ call: Call) throws(Refusal) -> [Effect] {
        guard let session = session(of: call.peer), let count = session.attachments[segmentID] else {
            throw .notAttached(segmentID)
        }
        sessions.update(session.id) { $0.attachments[segmentID] = count > 1 ? count - 1 : nil }
        var effects: [Effect] = []
        if count == 1 {
            segments.update(segmentID) { $0.sessionCount -= 1 }
            effects = dropPin(segmentID, of: session.id) + dropWatches(segmentID, of: session.id)
        }
        return effects + [.reply(call.peer, requestID: call.requestID, .detached)]
    }

    /// Describes a page of the segments that the caller may read and whose memory is there.
    func list(after name: SegmentName?, _ call: Call) -> [Effect] {
        var page: [SegmentDescription] = []
        var more = false
        for name in segments.names[segments.position(after: name)...] {
            guard let segment = segments[name], case .ready(let memory) = segment.state else { continue }
            guard segment.permissions.allow(.readOnly, to: call.identity) else { continue }
            more = page.count == Reply.maximumListCount
            if more { break }
            page.append(segment.description(memory, for: call.identity))
        }
        return [.reply(call.peer, requestID: call.requestID, .list(page, more: more))]
    }

    /// Describes one segment, as soon as its memory is there.
    mutating func show(_ name: SegmentName, _ call: Call) throws(Refusal) -> [Effect] {
        let segment = try find(name)
        guard segment.permissions.allow(.readOnly, to: call.identity) else {
            throw .show(segment, call.identity)
        }
        return try serve(Waiter(call: call, purpose: .show), segment)
    }

    /// Finds a segment by its name.
    func find(_ name: SegmentName) throws(Refusal) -> Segment {
        guard let segment = segments[name] else { throw .noSuchSegment(name) }
        return segment
    }

    /// Refuses an access that the segment's mode doesn't allow.
    func require(_ access: Access, to segment: Segment, _ identity: PeerIdentity) throws(Refusal) {
        guard segment.permissions.allow(access, to: identity) else { throw .access(access, segment, identity) }
    }

    /// Grants a request at once, or lets it wait for the segment's memory.
    mutating func serve(_ waiter: Waiter, _ segment: Segment) throws(Refusal) -> [Effect] {
        switch segment.state {
        case .ready(let memory): return grant(waiter, segment.id, memory)
        case .making(let waiters):
            let count = peers[waiter.call.peer]?.waitingCount ?? 0
            guard count < Peer.waitingLimit else { throw .waiting(segment.name) }
            peers[waiter.call.peer]?.waitingCount = count + 1
            segments.update(segment.id) { $0.state = .making(waiters + [waiter]) }
            return []
        }
    }

    /// Answers a request for a segment whose memory is there.
    mutating func grant(_ waiter: Waiter, _ segmentID: UInt64, _ memory: Segment.Memory) -> [Effect] {
        let call = waiter.call
        guard let segment = segments[segmentID] else { return [] }
        switch waiter.purpose {
        case .create: return [.reply(call.peer, requestID: call.requestID, .created(segmentID: segmentID))]
        case .show:
            let description = segment.description(memory, for: call.identity)
            return [.reply(call.peer, requestID: call.requestID, .shown(description))]
        case .attach(let access), .hello(_, let access):
            do throws(Refusal) {
                try hold(segment, access, call)
            } catch {
                return refuse(waiter, error)
            }
            let attachment = segment.attachment(memory, access)
            let reply =
                if case .hello(let greeting, _) = waiter.purpose {
                    greeting.reply(attachment)
                } else {
                    Reply.attached(attachment)
                }
            return [
                .replyWithMemory(call.peer, requestID: call.requestID, reply, segmentID: segmentID, access)
            ]
        }
    }

    /// Refuses a request; HELLO is accepted all the same, and only its attach is refused.
    func refuse(_ waiter: Waiter, _ refusal: Refusal) -> [Effect] {
        let call = waiter.call
        let failure = Effect.reply(call.peer, requestID: call.requestID, .failure(refusal.failure))
        guard case .hello(let greeting, _) = waiter.purpose else { return [failure] }
        return [.reply(call.peer, requestID: call.requestID, greeting.reply(nil)), failure]
    }

    /// Counts one more attachment of the caller's session; who may write now may write until its process is dead.
    private mutating func hold(_ segment: Segment, _ access: Access, _ call: Call) throws(Refusal) {
        guard let session = session(of: call.peer) else { return }
        let count = session.attachments[segment.id, default: 0]
        guard count > 0 || session.attachments.count < Session.attachmentLimit else {
            throw .attachments(segment.name)
        }
        sessions.update(session.id) {
            $0.attachments[segment.id] = count + 1
            if access == .readWrite { $0.writable.insert(segment.id) }
        }
        if count == 0 { segments.update(segment.id) { $0.sessionCount += 1 } }
    }
}
