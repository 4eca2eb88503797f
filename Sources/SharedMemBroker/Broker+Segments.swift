internal import SharedMemProtocol

extension Broker {
    /// Begins to make a segment that a client asks for; it's answered when the memory is there.
    mutating func create(_ definition: SegmentDefinition, _ call: Call) throws(Refusal) -> [Effect] {
        let identity = call.identity
        guard let session = session(of: call.peer) else { return [] }
        let creation = Segment.Creation(session: session.id, requestID: call.requestID)
        if let segment = segments[definition.name], segment.creation == creation {
            return try serve(Waiter(call: call, purpose: .create), segment)
        }
        guard mayCreate(identity) else { throw .creator(definition.name, identity) }
        guard segments[definition.name] == nil else { throw .exists(definition.name) }
        guard definition.mode & ~0o666 == 0 else { throw .mode(definition) }
        var definition = definition
        let owner = definition.owner ?? identity.uid
        guard identity.isRoot || owner == identity.uid else { throw .owner(definition, owner, identity) }
        let group = definition.group ?? identity.gid
        guard identity.isRoot || identity.isMember(of: group) else { throw .group(definition, group, identity) }
        definition.owner = owner
        definition.group = group
        try requireRoom(for: definition, of: .client)
        let waiting = peers[call.peer]?.waitingCount ?? 0
        guard waiting < Peer.waitingLimit else { throw .waiting(definition.name) }
        let segment = makeSegment(definition, origin: .client, creation: creation)
        return try serve(Waiter(call: call, purpose: .create), segment)
            + [.makeMemory(segmentID: segment.id, segment.definition)]
    }

    /// Removes a segment's name; sessions that are attached keep their mappings.
    mutating func remove(_ name: SegmentName, _ call: Call) throws(Refusal) -> [Effect] {
        let segment = try find(name)
        guard segment.permissions.allowRemoval(by: call.identity) else { throw .removal(segment, call.identity) }
        guard case .ready = segment.state else { throw .unfinished(name) }
        forgetWatches(in: segment.id)
        segments.remove(segment.id)
        switches.remove(segment.id)
        sessions.noteOwner(nil, of: segment.id)
        updateSession(of: call.peer) {
            $0.lastChange = SavedSession.Change(requestID: call.requestID, createdSegmentID: 0)
        }
        var effects: [Effect] = [
            .forget(name),
            .releaseMemory(segmentID: segment.id),
            .reply(call.peer, requestID: call.requestID, .removed),
            .log(.notice, "\(call.identity) removed segment \(name)"),
        ]
        for id in sessions.sortedIDs where sessions[id]?.writable.contains(segment.id) == true {
            sessions.update(id) { $0.writable.remove(segment.id) }
            effects += endIfIdle(id)
        }
        return effects
    }

    /// Takes a segment into service whose memory was made, and answers the requests that waited for it.
    ///
    /// Only now is it known what the lock file takes: the segment is charged with both files, and given up if the
    /// memory limit doesn't allow that.
    mutating func finish(_ segmentID: UInt64, _ memory: Segment.Memory) -> [Effect] {
        guard let segment = segments[segmentID] else {
            return [
                .log(.error, "memory was made for segment id \(segmentID), which doesn't exist, releasing it"),
                .releaseMemory(segmentID: segmentID),
            ]
        }
        guard case .making(let waiters) = segment.state else {
            return [.log(.error, "memory of segment \(segment.name) was reported twice, ignoring the second report")]
        }
        let room = room(for: segment.origin, besides: segment)
        guard memory.chargedByteCount <= room.available else {
            let refusal = Refusal.memory(segment.name, needed: memory.chargedByteCount, room: room)
            let level: LogLevel = segment.origin == .client ? .info : .error
            return [.releaseMemory(segmentID: segmentID)] + giveUp(segment, waiters, refusal, level)
        }
        segments.charge(segmentID, byteCount: memory.chargedByteCount)
        segments.update(segmentID) {
            $0.state = .ready(memory)
            $0.creation = nil
        }
        if let creation = segment.creation {
            sessions.update(creation.session) {
                $0.lastChange = SavedSession.Change(requestID: creation.requestID, createdSegmentID: segmentID)
            }
        }
        var effects: [Effect] = []
        if segment.origin == .client { effects.append(.remember(segment.definition)) }
        for waiter in waiters {
            peers[waiter.call.peer]?.waitingCount -= 1
            effects += grant(waiter, segmentID, memory)
        }
        let size = ByteCount(memory.chargedByteCount)
        effects.append(.log(.notice, "segment \(segment.name) is made: \(segment.permissions), \(size)"))
        return effects
    }

    /// Gives up a segment whose memory couldn't be made, and refuses the requests that waited for it.
    mutating func abandon(_ segmentID: UInt64, error: Int32, reason: String) -> [Effect] {
        guard let segment = segments[segmentID], case .making(let waiters) = segment.state else {
            return [.log(.error, "memory of segment id \(segmentID), which isn't being made, failed: \(reason)")]
        }
        return giveUp(segment, waiters, .memory(segment, error: error, reason: reason), .error)
    }

    /// Adds a segment, charges it and returns it; its memory has to be made.
    mutating func makeSegment(
        _ definition: SegmentDefinition, origin: Segment.Origin, isConfigured: Bool = false,
        creation: Segment.Creation? = nil
    ) -> Segment {
        let segment = Segment(
            id: segments.issueID(), definition: definition, permissions: Permissions(definition), origin: origin,
            isConfigured: isConfigured, chargedByteCount: ByteCount(definition.byteCount).inPages,
            creation: creation)
        segments.insert(segment)
        return segment
    }

    /// Refuses a size of 0, and one that the memory limit doesn't leave.
    func requireRoom(for definition: SegmentDefinition, of origin: Segment.Origin) throws(Refusal) {
        let needed = ByteCount(definition.byteCount).inPages
        let room = room(for: origin)
        guard needed > 0 else { throw .empty(definition.name, available: room.available) }
        guard needed <= room.available else { throw .memory(definition.name, needed: needed, room: room) }
    }

    /// What the memory limit leaves to a segment, whose own charge doesn't count if it exists.
    ///
    /// What a client makes leaves room for a new generation of the largest segment, which may be that one.
    func room(for origin: Segment.Origin, besides segment: Segment? = nil) -> Room {
        Room(
            limit: configuration.memoryLimit,
            charged: segments.chargedByteCount - (segment?.chargedByteCount ?? 0),
            switching: switches.running?.byteCount ?? 0,
            largest: configuration.keepsSwitchRoom && origin == .client
                ? segments.largestCharge(besides: segment?.id) : nil)
    }

    /// Whether the configuration lets `identity` create segments.
    private func mayCreate(_ identity: PeerIdentity) -> Bool {
        guard !identity.isRoot, let creators = configuration.creators else { return true }
        return creators.users.contains(identity.uid) || creators.groups.contains { identity.isMember(of: $0) }
    }

    /// Takes a segment without memory out, and refuses the requests that waited for it.
    private mutating func giveUp(
        _ segment: Segment, _ waiters: [Waiter], _ refusal: Refusal, _ level: LogLevel
    ) -> [Effect] {
        segments.remove(segment.id)
        var effects = segment.creation.map { endIfIdle($0.session) } ?? []
        for waiter in waiters {
            peers[waiter.call.peer]?.waitingCount -= 1
            effects += refuse(waiter, refusal)
        }
        effects.append(.log(level, refusal.failure.text))
        return effects
    }
}
