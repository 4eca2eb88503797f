import SharedMemBroker
import SharedMemProtocol

extension Witness {
    /// Compares what is to be saved with what is known, and whether it was saved, and when.
    mutating func checkSaving(_ event: Broker.Event, _ effects: [Broker.Effect], _ state: SavedState) {
        let expected = tenants.values.map { tenant in
            var session = tenant.saved
            session.writable = tenant.writable.sorted()
            session.watches = tenant.watches.sorted { $0.key < $1.key }.map {
                SavedSession.Watch(segmentID: $0.key, words: $0.value)
            }
            return session
        }
        if state.sessions != expected.sorted(by: { $0.id < $1.id }) {
            findings.append("sessions are saved as \(state.sessions), expected \(expected)")
        }
        let made = segments.values.filter(\.isMade).map(\.saved).sorted { $0.id < $1.id }
        if state.segments != made {
            findings.append("segments: \(state.segments.difference(from: made) { $0 == $1 })")
        }
        if state.nextSegmentID < saved.nextSegmentID || issued.contains(where: { $0 >= state.nextSegmentID }) {
            findings.append("the next segment id is \(state.nextSegmentID)")
        }
        if state.restartCount != moves.restartCount || state.firstStartedAt != saved.firstStartedAt {
            findings.append("\(state.restartCount) restarts since \(state.firstStartedAt)")
        }
        let places = effects.indices.filter { effects[$0] == .save }
        if places.count != (state == saved ? 0 : 1) { findings.append("\(places.count) saves for \(event)") }
        let isDeath =
            switch event {
            case .died, .restored: true
            default: false
            }
        if let place = places.first {
            let behind = effects[(place + 1)...].filter { $0 != .statusChanged }
            if isDeath ? !behind.isEmpty : place > 0 { findings.append("saved at \(place) of \(effects)") }
        }
        saved = state
    }

    /// Compares the pins that the daemon holds with those that the sessions have.
    mutating func checkPins(_ event: Broker.Event) {
        if case .pinFailed(let peer, let segmentID) = event, let session = peers[peer]?.session,
            tenants[session]?.pins[segmentID] == nil
        {
            // The daemon had none either.
            pinned[segmentID]?.remove(session)
        }
        // After a restart the daemon tells of one pin after the other.
        guard configuration != nil else { return }
        for segmentID in segments.keys {
            let held = pinned[segmentID, default: []]
            let expected = Set(tenants.filter { $0.value.pins[segmentID] != nil }.keys)
            if held != expected { findings.append("pins of segment id \(segmentID): \(held), not \(expected)") }
        }
    }

    /// Compares the processes that the daemon watches with those that have something.
    mutating func checkProcesses() {
        let expected = Set(peers.values.map(\.process)).union(tenants.values.map(\.saved.process))
        if watched != expected { findings.append("\(watched) are watched, not \(expected)") }
    }

    /// Looks for requests that nothing will answer: only a segment that is being made may keep one open, or a look at a
    /// lock word.
    mutating func checkOpenQuestions() {
        for (peer, caller) in peers {
            for (requestID, question) in caller.open where looks[peer]?.contains(requestID) != true {
                let name: SegmentName? =
                    switch question.request {
                    case .hello(let hello): hello.attach?.segment
                    case .attach(let name, _), .show(let name): name
                    case .create(let definition): definition.name
                    default: nil
                    }
                if question.isGreeted || !segments.values.contains(where: { $0.name == name && !$0.isMade }) {
                    findings.append("\(question.request) was forgotten")
                }
            }
        }
    }

    /// Compares a description with what is known.
    mutating func checkDescription(_ description: SegmentDescription, _ identity: PeerIdentity) {
        let attached = tenants.values.count { $0.attached[description.segmentID] != nil }
        guard let region = segments[description.segmentID], region.isMade, region.name == description.name,
            region.saved.generation == description.generation, region.saved.isConfigured == description.isConfigured,
            region.saved.definition.mode == description.mode, region.saved.definition.owner == description.owner,
            region.saved.definition.group == description.group, attached == Int(description.sessionCount),
            description.access?.bits ?? 0 == Self.mostBits(region.saved.definition, identity)
        else {
            findings.append("a description is wrong: \(description), \(attached) attached")
            return
        }
    }

    /// Compares a page of descriptions with what is known.
    mutating func checkPage(
        _ page: [SegmentDescription], _ more: Bool, _ after: SegmentName?, _ identity: PeerIdentity
    ) {
        let names = segments.values.filter { region in
            region.isMade && Self.bits(region.saved.definition, identity) & 0o4 != 0
                && after.map { $0 < region.name } ?? true
        }.map(\.name).sorted()
        if page.map(\.name) != [SegmentName](names.prefix(24)) || more != (names.count > 24) {
            findings.append("a list is wrong: \(page.map(\.name)), not \(names)")
        }
        if more { counts["list with more", default: 0] += 1 }
        for description in page { checkDescription(description, identity) }
    }

    /// Compares a page of sessions with what is known.
    mutating func checkSessions(
        _ page: [SessionDescription], _ more: Bool, _ after: SessionCursor?, _ identity: PeerIdentity
    ) {
        var expected: [SessionDescription] = []
        for (id, tenant) in tenants.sorted(by: { $0.key < $1.key }) {
            guard identity.uid == 0 || tenant.saved.uid == identity.uid else { continue }
            let state: SessionDescription.State =
                tenant.isAbandoned ? .abandoned : tenant.peer == nil ? .restored : .connected
            let segmentIDs = Set(tenant.attached.keys).union(tenant.writable).sorted()
            for segmentID in segmentIDs.isEmpty ? [0] : segmentIDs {
                if let after, (id, segmentID) <= (after.session, after.segmentID) { continue }
                expected.append(
                    SessionDescription(
                        session: id, state: state, pid: tenant.saved.process.pid, uid: tenant.saved.uid,
                        since: tenant.saved.since, segmentID: segmentID,
                        access: segmentID == 0 ? nil : tenant.writable.contains(segmentID) ? .readWrite : .readOnly,
                        attachedCount: UInt32(tenant.attached[segmentID] ?? 0), segment: segments[segmentID]?.name,
                        program: tenant.saved.program))
            }
        }
        if page != [SessionDescription](expected.prefix(20)) || more != (expected.count > 20) {
            findings.append("sessions are described as \(page), more: \(more), expected \(expected)")
        }
    }

    /// Compares the daemon's numbers with what is known.
    mutating func checkStatistics(_ statistics: Statistics) {
        let abandoned = tenants.values.count(where: \.isAbandoned)
        guard statistics.segmentCount == UInt32(segments.count), statistics.byteCount == charged,
            statistics.byteLimit == configuration?.memoryLimit, statistics.abandonedCount == UInt32(abandoned),
            statistics.sessionCount == UInt32(tenants.count - abandoned), statistics.switchCount == moves.count,
            statistics.repairCount == moves.repairCount, statistics.restartCount == moves.restartCount,
            statistics.firstStartedAt == saved.firstStartedAt,
            statistics.startedAt == saved.firstStartedAt + moves.restartCount
        else {
            findings.append("the statistics are wrong: \(statistics)")
            return
        }
    }

    /// Returns the bits of the class that counts for `identity`.
    static func bits(_ definition: SegmentDefinition, _ identity: PeerIdentity) -> UInt32 {
        if identity.uid == 0 { return 0o6 }
        if identity.uid == definition.owner { return definition.mode / 64 % 8 }
        if ([identity.gid] + identity.groups).contains(where: { $0 == definition.group }) {
            return definition.mode / 8 % 8
        }
        return definition.mode % 8
    }

    /// Returns the bits of the most that `identity` gets.
    private static func mostBits(_ definition: SegmentDefinition, _ identity: PeerIdentity) -> UInt32 {
        switch bits(definition, identity) {
        case 0o6: 0o6
        case 0o4: 0o4
        default: 0
        }
    }
}
