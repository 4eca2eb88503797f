import SharedMemBroker
import SharedMemProtocol

extension Witness {
    /// Ends a connection, and leaves its session to its process.
    mutating func leave(_ peer: PeerID) {
        guard let caller = peers.removeValue(forKey: peer), let session = caller.session else { return }
        tenants[session]?.peer = nil
        tenants[session]?.saved.isAbandoned = true
        tenants[session]?.attached = [:]
        tenants[session]?.pins = [:]
        tenants[session]?.watches = [:]
    }

    /// Forgets sessions that are left and that nothing depends on.
    mutating func sweep() {
        tenants = tenants.filter { id, tenant in
            !tenant.isAbandoned || !tenant.writable.isEmpty || tenant.saved.lastChange != nil
                || segments.values.contains { $0.creation?.session == id }
        }
    }

    /// Ends all that a process has, whose connections must be closed and whose segments repaired.
    mutating func bury(_ process: ProcessIdentity, _ effects: [Broker.Effect]) {
        let dead = tenants.filter { $0.value.saved.process == process }
        let closed = Set(peers.filter { $0.value.process == process }.keys)
        let hadAny = !dead.isEmpty || !closed.isEmpty
        for id in dead.keys { forget(id) }
        for peer in closed { peers[peer] = nil }
        checkRepairs(dead, effects)
        let told = Set(effects.compactMap { if case .close(let peer) = $0 { peer } else { nil } })
        if told != closed { findings.append("\(told) were closed by a death, not \(closed)") }
        let last = effects.last { ![.save, .statusChanged].contains($0) }
        if hadAny, last != .forgetProcess(process) { findings.append("a death ends with \(effects)") }
        counts["death", default: 0] += 1
    }

    /// Takes a dead session out.
    private mutating func forget(_ id: UInt32) {
        tenants[id] = nil
        moves.dead.insert(id)
        for segmentID in segments.keys where segments[segmentID]?.creation?.session == id {
            segments[segmentID]?.creation = nil
        }
    }

    /// Compares the repairs with what dead sessions could write.
    private mutating func checkRepairs(_ dead: [UInt32: Tenant], _ effects: [Broker.Effect]) {
        var expected: [UInt64: Set<UInt32>] = [:]
        for (id, tenant) in dead {
            for segmentID in tenant.writable { expected[segmentID, default: []].insert(id) }
        }
        var told: [UInt64: Set<UInt32>] = [:]
        for case .repair(let segmentID, let sessions, let owner) in effects {
            told[segmentID, default: []].formUnion(sessions)
            if !owner.contains("process ") { findings.append("a repair names \(owner)") }
        }
        if told != expected { findings.append("repairs of \(told), not \(expected)") }
    }

    /// Begins a session, or goes on with the one that its process left, as the saved state says.
    mutating func greet(_ hello: Hello, _ peer: PeerID, _ state: SavedState) {
        guard let caller = peers[peer], hello.majors.contains(1) else { return }
        let left = tenants.filter {
            $0.value.saved.process == caller.process && $0.value.isAbandoned
                && $0.value.saved.uid == caller.identity.uid
        }.keys.min()
        guard let begun = state.sessions.first(where: { $0.token == caller.token }) else {
            if left != nil || tenants.count < History.sessionLimit { findings.append("a session was refused") }
            return
        }
        if let left {
            if begun.id != left { findings.append("session \(begun.id) goes on, not \(left)") }
            tenants[left]?.saved.lastChange = nil
            tenants[left]?.saved.gid = caller.identity.gid
            tenants[left]?.resumedAt = caller.time
            for id in segments.keys where segments[id]?.creation?.session == left { segments[id]?.creation = nil }
            counts["left session taken up", default: 0] += 1
        } else {
            if tenants[begun.id] != nil || moves.strangers.values.contains(begun.id) {
                findings.append("session \(begun.id) exists twice")
            }
            tenants[begun.id] = Tenant(
                saved: SavedSession(
                    id: begun.id, token: caller.token, process: caller.process, uid: caller.identity.uid,
                    gid: caller.identity.gid, since: caller.time, program: [], writable: [], lastChange: nil))
            moves.dead.remove(begun.id)
        }
        tenants[begun.id]?.saved.token = caller.token
        tenants[begun.id]?.saved.program = hello.program
        tenants[begun.id]?.saved.isAbandoned = false
        tenants[begun.id]?.peer = peer
        peers[peer]?.session = begun.id
    }

    /// Says what RECONNECT may expect.
    func verdict(_ reconnect: Reconnect, _ caller: Caller) -> Verdict {
        guard let tenant = tenants[reconnect.session] else { return .missing }
        let isOwn = tenant.saved.process == caller.process && tenant.saved.token == reconnect.token
        return isOwn ? .allowed : .denied
    }

    /// Goes on with a session over another connection.
    mutating func resume(_ reconnect: Reconnect, _ peer: PeerID, _ effects: [Broker.Effect]) {
        guard let caller = peers[peer], reconnect.majors.contains(1) else { return }
        let id = reconnect.session
        guard verdict(reconnect, caller) == .allowed else { return }
        if let old = tenants[id]?.peer {
            if !effects.contains(.close(old)) { findings.append("connection \(old.rawValue) wasn't replaced") }
            let watches = tenants[id]?.watches ?? [:]
            leave(old)
            tenants[id]?.watches = watches
            counts["replaced", default: 0] += 1
        }
        tenants[id]?.peer = peer
        tenants[id]?.saved.isAbandoned = false
        tenants[id]?.saved.uid = caller.identity.uid
        tenants[id]?.saved.gid = caller.identity.gid
        peers[peer]?.session = id
    }

    /// Goes on in another daemon, which has what is kept and whose processes live.
    mutating func restart(
        _ state: SavedState, _ living: Set<ProcessIdentity>, _ kept: Set<UInt64>, _ effects: [Broker.Effect]
    ) {
        lost = state.segments.filter { !kept.contains($0.id) }
        segments = segments.filter { kept.contains($0.key) && $0.value.isMade }
        pinned = pinned.filter { segments[$0.key] != nil }
        flags = flags.filter { segments[$0.key] != nil }
        unrestored = Set(segments.keys)
        peers = [:]
        looks = [:]
        moves.restart()
        configuration = nil
        for id in tenants.keys {
            tenants[id]?.peer = nil
            tenants[id]?.attached = [:]
            tenants[id]?.pins = [:]
            tenants[id]?.resumedAt = 0
            tenants[id]?.writable.formIntersection(segments.keys)
            for segmentID in tenants[id]?.watches.keys.filter({ segments[$0] == nil }) ?? [] {
                tenants[id]?.watches[segmentID] = nil
            }
        }
        let dead = tenants.filter { !living.contains($0.value.saved.process) }
        watched = living
        for id in dead.keys { forget(id) }
        checkRepairs(dead, effects)
        let errors = effects.logged(.error).filter { $0.contains("are lost") }
        if errors.count != lost.count { findings.append("\(lost.count) segments are lost: \(errors)") }
        if saved.restartCount + 1 != moves.restartCount { findings.append("\(saved.restartCount) restarts") }
        counts["restart", default: 0] += 1
    }

    /// Notes that a pin from before a restart was found.
    mutating func findPin(_ segmentID: UInt64, _ session: UInt32, _ effects: [Broker.Effect]) {
        guard segments[segmentID] != nil else { return }
        let isWriter = tenants[session]?.writable.contains(segmentID) == true
        guard let tenant = tenants[session], !tenant.isAbandoned else {
            let isUnpinned = effects.contains(.unpin(segmentID: segmentID, session: session))
            if isUnpinned == isWriter { findings.append("a pin of session \(session) was found: \(effects)") }
            if isWriter { pinned[segmentID]?.remove(session) }
            return
        }
        if isWriter {
            pinned[segmentID]?.remove(session)
        } else {
            tenants[session]?.pins[segmentID] = 1
            counts["pin found", default: 0] += 1
        }
    }
}
