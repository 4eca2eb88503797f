import Glibc
import SharedMemBroker
import SharedMemProtocol

extension Witness {
    /// Notes a request and what has to come of it at once.
    mutating func ask(
        _ request: Request, _ requestID: UInt32, _ peer: PeerID, _ effects: [Broker.Effect], _ state: SavedState
    ) {
        guard let caller = peers[peer] else {
            if !effects.isEmpty { findings.append("a request of nobody had effects: \(effects)") }
            return
        }
        let isGreeting =
            switch request {
            case .hello, .reconnect: true
            default: false
            }
        let question = Question(request: request, verdict: verdict(request, requestID, caller))
        if isGreeting != (caller.session == nil) {
            if effects.disconnect?.peer != peer { findings.append("\(request) was out of order and went on") }
        } else if case .hello(let hello) = request {
            greet(hello, peer, state)
        } else if case .reconnect(let reconnect) = request {
            resume(reconnect, peer, effects)
        } else if case .done = question.verdict {
            counts["repeated", default: 0] += 1
            if effects.count != 1 { findings.append("\(request) was done again: \(effects)") }
        }
        peers[peer]?.open[requestID] = question
    }

    /// Says what a request may expect.
    private func verdict(_ request: Request, _ requestID: UInt32, _ caller: Caller) -> Verdict {
        let change = caller.session.flatMap { tenants[$0]?.saved.lastChange }
        switch request {
        case .create:
            if let change, change.requestID == requestID, change.createdSegmentID != 0 { return .done(change) }
            return .allowed
        case .remove(let name):
            if let change, change.requestID == requestID, change.createdSegmentID == 0 { return .done(change) }
            return segments.values.first { $0.name == name }.map {
                [0, $0.saved.definition.owner].contains(caller.identity.uid) ? .allowed : .denied
            } ?? .missing
        case .hello(let hello): return hello.attach.map { verdict($0.segment, $0.access.bits, caller) } ?? .allowed
        case .attach(let name, let access): return verdict(name, access.bits, caller)
        case .show(let name): return verdict(name, 0o4, caller)
        case .reconnect(let reconnect): return verdict(reconnect, caller)
        case .whoHolds(let segmentID):
            let tenant = caller.session.flatMap { tenants[$0] }
            guard tenant?.attached[segmentID] != nil, segments[segmentID] != nil else { return .missing }
            return tenant?.writable.contains(segmentID) == true ? .allowed : .denied
        case .detach, .list, .pin, .unpin, .watch, .unwatch, .sessions, .statistics: return .allowed
        }
    }

    /// Says whether a caller gets `bits` of the segment with a name.
    private func verdict(_ name: SegmentName, _ bits: UInt32, _ caller: Caller) -> Verdict {
        guard let region = segments.values.first(where: { $0.name == name }) else { return .missing }
        return Self.bits(region.saved.definition, caller.identity) & bits == bits ? .allowed : .denied
    }

    /// Notes one reply.
    mutating func answer(_ peer: PeerID, _ requestID: UInt32, _ reply: Reply, _ memory: (UInt64, Access)?) {
        guard let caller = peers[peer], var question = caller.open[requestID] else {
            findings.append("\(reply) answers no open request of connection \(peer.rawValue)")
            return
        }
        peers[peer]?.open[requestID] = nil
        counts[Self.label(reply), default: 0] += 1
        let tenant = caller.session.flatMap { tenants[$0] }
        switch (question.request, reply) {
        case (.hello(let hello), .hello(let welcome, let attachment)):
            if question.isGreeted { findings.append("HELLO was answered twice") }
            if welcome.session != caller.session || welcome.token != caller.token { findings.append("\(welcome)") }
            if attachment != nil {
                attach(caller, hello.attach?.segment, hello.attach?.access, attachment, memory, question.verdict)
            } else if hello.attach != nil {
                question.isGreeted = true
                peers[peer]?.open[requestID] = question
            }
        case (.reconnect(let reconnect), .reconnected(let welcome)):
            if question.verdict != .allowed || welcome.session != reconnect.session
                || welcome.token != reconnect.token
            {
                findings.append("\(reconnect) was answered with \(welcome): \(question.verdict)")
            }
        case (.attach(let name, let access), .attached(let attachment)):
            attach(caller, name, access, attachment, memory, question.verdict)
        case (.detach(let segmentID), .detached): detach(caller, segmentID)
        case (.pin(let segmentID), .pinned):
            if tenant?.attached[segmentID] == nil { findings.append("pinned segment id \(segmentID), not attached") }
            update(caller) { $0.pins[segmentID, default: 0] += 1 }
        case (.unpin(let segmentID), .unpinned):
            if tenant?.pins[segmentID] == nil { findings.append("unpinned segment id \(segmentID), not pinned") }
            losePin(peer, segmentID)
        case (.watch(let request), .watched): watch(caller, request)
        case (.unwatch(let request), .unwatched): unwatch(caller, request)
        case (.create(let definition), .created(let segmentID)):
            if case .done(let change) = question.verdict {
                if change.createdSegmentID != segmentID { findings.append("\(segmentID) was made, not \(change)") }
            } else if segments[segmentID]?.name != definition.name || segments[segmentID]?.isMade != true {
                findings.append("\(definition.name) was reported before it was made")
            }
        case (.remove, .removed):
            if case .done = question.verdict { return }
            if question.verdict != .allowed { findings.append("removed: \(question.verdict)") }
            update(caller) { $0.saved.lastChange = SavedSession.Change(requestID: requestID, createdSegmentID: 0) }
        case (.show(let name), .shown(let description)):
            checkDescription(description, caller.identity)
            if description.name != name || question.verdict != .allowed { findings.append("shown: \(description)") }
        case (.list(let after), .list(let page, let more)): checkPage(page, more, after, caller.identity)
        case (.sessions(let after), .sessions(let page, let more)): checkSessions(page, more, after, caller.identity)
        case (.statistics, .statistics(let statistics)): checkStatistics(statistics)
        case (.whoHolds, .holder): if question.verdict != .allowed { findings.append("a stranger was told of a lock") }
        case (_, .failure(let failure)): refuse(question, failure, caller)
        default: findings.append("\(question.request) was answered with \(reply)")
        }
    }

    /// Changes what is known of a caller's session.
    private mutating func update(_ caller: Caller, _ change: (inout Tenant) -> Void) {
        guard let id = caller.session, var tenant = tenants[id] else { return }
        change(&tenant)
        tenants[id] = tenant
    }

    /// Notes an attachment.
    private mutating func attach(
        _ caller: Caller, _ name: SegmentName?, _ access: Access?, _ attachment: Attachment?,
        _ memory: (UInt64, Access)?, _ verdict: Verdict
    ) {
        guard let memory, let attachment, memory.0 == attachment.segmentID, memory.1 == access,
            attachment.access == access, let region = segments[memory.0], region.name == name, region.isMade,
            attachment.generation == region.saved.generation, attachment.dataByteCount == region.saved.dataByteCount,
            verdict == .allowed, access == .readWrite || attachment.lockByteCount == 0
        else {
            findings.append("an attachment isn't what was asked for: \(String(describing: attachment))")
            return
        }
        update(caller) {
            $0.attached[memory.0, default: 0] += 1
            if access == .readWrite { $0.writable.insert(memory.0) }
        }
    }

    /// Notes that an attachment was given back.
    private mutating func detach(_ caller: Caller, _ segmentID: UInt64) {
        guard let count = caller.session.flatMap({ tenants[$0]?.attached[segmentID] }) else {
            findings.append("segment id \(segmentID) was detached and not attached")
            return
        }
        update(caller) {
            $0.attached[segmentID] = count > 1 ? count - 1 : nil
            if count == 1 {
                $0.pins[segmentID] = nil
                $0.watches[segmentID] = nil
            }
        }
    }

    /// Takes one pin of a connection's session back.
    mutating func losePin(_ peer: PeerID, _ segmentID: UInt64) {
        guard let caller = peers[peer] else { return }
        update(caller) {
            guard let count = $0.pins[segmentID] else { return }
            $0.pins[segmentID] = count > 1 ? count - 1 : nil
        }
    }

    /// Notes a refusal.
    private mutating func refuse(_ question: Question, _ failure: Failure, _ caller: Caller) {
        let isFitting: Bool
        let tenant = caller.session.flatMap { tenants[$0] }
        switch (question.request, failure.error) {
        case (.hello(let hello), EPROTONOSUPPORT): isFitting = !hello.majors.contains(1)
        case (.reconnect(let reconnect), EPROTONOSUPPORT): isFitting = !reconnect.majors.contains(1)
        case (.hello, EDQUOT): isFitting = caller.session == nil || question.isGreeted
        case (.reconnect, ENOENT), (.attach, ENOENT), (.show, ENOENT), (.remove, ENOENT), (.hello, ENOENT):
            isFitting = question.verdict == .missing
        case (.reconnect, ESTALE), (.attach, EACCES), (.show, EACCES), (.remove, EACCES), (.hello, EACCES):
            isFitting = question.verdict == .denied
        case (.attach, _), (.show, _), (.hello, _):
            isFitting = question.verdict == .allowed && [ENOMEM, ENOSPC, EDQUOT].contains(failure.error)
        case (.remove, EBUSY): isFitting = question.verdict == .allowed
        case (.detach(let segmentID), EINVAL), (.pin(let segmentID), EINVAL):
            isFitting = tenant?.attached[segmentID] == nil
        case (.pin(let segmentID), EIDRM):
            isFitting = tenant?.attached[segmentID] != nil && segments[segmentID] == nil
        case (.unpin(let segmentID), EINVAL): isFitting = tenant?.pins[segmentID] == nil
        case (.watch(let request), _): isFitting = self.isFitting(failure.error, request, tenant)
        case (.whoHolds(let segmentID), EINVAL): isFitting = tenant?.attached[segmentID] == nil
        case (.whoHolds(let segmentID), EIDRM): isFitting = segments[segmentID] == nil
        case (.whoHolds, EACCES): isFitting = question.verdict == .denied
        case (.whoHolds, ENOSPC): isFitting = question.verdict == .allowed
        case (.create, _):
            let isNew = question.verdict == .allowed
            isFitting = isNew && [EACCES, EEXIST, EINVAL, ENOSPC, ENOMEM, EDQUOT].contains(failure.error)
        default: isFitting = false
        }
        if !isFitting { findings.append("\(question.request) was refused: \(failure)") }
        if failure.text.isEmpty || failure.text.utf8.count > 512 || failure.text.hasSuffix(".") {
            findings.append("no sentence: \(failure)")
        }
    }

    /// Names the kind of a reply.
    private static func label(_ reply: Reply) -> String {
        switch reply {
        case .hello(_, let attachment): attachment == nil ? "hello" : "hello with attachment"
        case .reconnected: "reconnected"
        case .attached: "attached"
        case .detached: "detached"
        case .created: "created"
        case .removed: "removed"
        case .list: "list"
        case .shown: "shown"
        case .pinned: "pinned"
        case .unpinned: "unpinned"
        case .watched: "watched"
        case .unwatched: "unwatched"
        case .holder(let holder): "holder \(holder.state)"
        case .sessions(_, let more): more ? "sessions with more" : "sessions"
        case .statistics: "statistics"
        case .failure(let failure): "failure \(failure.error)"
        }
    }
}

extension Access {
    /// The permission bits that the access needs.
    var bits: UInt32 { self == .readOnly ? 0o4 : 0o6 }
}
