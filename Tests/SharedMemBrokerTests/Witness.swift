import Glibc
import SharedMemBroker
import SharedMemProtocol

/// Watches events and effects from outside, with a plain idea of its own of what they may be.
struct Witness {
    /// What was wrong so far.
    private(set) var findings: [String] = []
    /// The connections that are open.
    private(set) var peers: [PeerID: Caller] = [:]
    /// The segments that exist, by id.
    private(set) var segments: [UInt64: Region] = [:]
    /// How often each kind of reply came; a failure counts as its errno.
    private(set) var counts: [String: Int] = [:]
    /// The pins that the daemon holds, by segment and session, and the connections that they are for.
    private var pinned: [UInt64: [UInt32: PeerID]] = [:]
    /// All segment ids that ever were.
    private var issued: Set<UInt64> = []

    /// A connection.
    struct Caller {
        /// Who it is.
        let identity: PeerIdentity
        /// The session's id, when HELLO was answered.
        var session: UInt32?
        /// How often it's attached to which segment.
        var attached: [UInt64: Int] = [:]
        /// How often it has pinned which segment.
        var pins: [UInt64: Int] = [:]
        /// Requests that aren't answered yet, by their number.
        var open: [UInt32: Question] = [:]

        /// Whether HELLO was accepted: it was answered, or its answer waits for a segment's memory.
        var isGreeted: Bool {
            session != nil
                || open.values.contains { question in
                    if case .hello = question.request { true } else { false }
                }
        }
    }

    /// A request that isn't answered yet.
    struct Question {
        /// What was asked.
        let request: Request
        /// What had to come of it.
        let verdict: Verdict
        /// Whether HELLO was answered and the refusal of its attach is still to come.
        var isGreeted = false
    }

    /// What the names and modes said when a request came.
    enum Verdict { case missing, denied, allowed }

    /// A segment.
    struct Region {
        /// Its name.
        let name: SegmentName
        /// What it was asked to be, with the newest owner, group and mode.
        var definition: SegmentDefinition
        /// Bytes that count against the limit.
        var charge: UInt64
        /// Whether its memory is there.
        var isMade = false
    }

    /// Notes one event, what it led to, and what the broker says afterwards.
    mutating func note(_ event: Broker.Event, _ effects: [Broker.Effect], _ summary: Broker.Summary) {
        switch event {
        case .connected(let peer, let identity): if peers[peer] == nil { peers[peer] = Caller(identity: identity) }
        case .hungUp(let peer): peers[peer] = nil
        case .received(let peer, let requestID, let request): ask(request, requestID, peer, effects)
        case .memoryMade(let segmentID, let dataByteCount, let lockByteCount, _):
            if segments[segmentID]?.isMade == false {
                segments[segmentID]?.isMade = true
                segments[segmentID]?.charge = Self.pages(dataByteCount) + Self.pages(lockByteCount)
            }
        case .pinFailed(let peer, let segmentID): unpin(peer, segmentID)
        case .memoryFailed(let segmentID, _, _):
            if segments[segmentID]?.isMade == false { segments[segmentID] = nil }
        case .configured(let configuration):
            for definition in configuration.segments {
                for id in segments.keys where segments[id]?.name == definition.name {
                    segments[id]?.definition = definition
                }
            }
        case .recalled: break
        }
        for effect in effects { note(effect) }
        checkOpenQuestions()
        checkPins(event)
        let charged = segments.values.reduce(into: UInt64(0)) { $0 += $1.charge }
        if summary.byteCount != charged { findings.append("\(summary.byteCount) bytes charged, not \(charged)") }
        if summary.segmentCount != segments.count { findings.append("\(summary.segmentCount) segments") }
        let sessions = peers.values.filter { $0.session != nil }.count
        if summary.sessionCount < sessions { findings.append("\(summary.sessionCount) sessions, not \(sessions)") }
    }

    /// Notes a request and what has to come of it at once.
    private mutating func ask(
        _ request: Request, _ requestID: UInt32, _ peer: PeerID, _ effects: [Broker.Effect]
    ) {
        guard let caller = peers[peer] else {
            if !effects.isEmpty { findings.append("a request of nobody had effects: \(effects)") }
            return
        }
        var isHello = false
        if case .hello = request { isHello = true }
        let mustEnd = isHello == caller.isGreeted
        if mustEnd, effects.disconnect?.peer != peer { findings.append("\(request) was out of order and went on") }
        let question = Question(request: request, verdict: verdict(request, caller))
        peers[peer]?.open[requestID] = question
    }

    /// Says what a request may expect.
    private func verdict(_ request: Request, _ caller: Caller) -> Verdict {
        switch request {
        case .hello(let hello): hello.attach.map { verdict($0.segment, $0.access.bits, caller) } ?? .allowed
        case .attach(let name, let access): verdict(name, access.bits, caller)
        case .show(let name): verdict(name, 0o4, caller)
        case .remove(let name):
            segments.values.first { $0.name == name }.map {
                [0, $0.definition.owner].contains(caller.identity.uid) ? .allowed : .denied
            } ?? .missing
        case .create, .detach, .list, .pin, .unpin: .allowed
        }
    }

    /// Says whether a caller gets `bits` of the segment with a name.
    private func verdict(_ name: SegmentName, _ bits: UInt32, _ caller: Caller) -> Verdict {
        guard let region = segments.values.first(where: { $0.name == name }) else { return .missing }
        return Self.bits(region.definition, caller.identity) & bits == bits ? .allowed : .denied
    }

    /// Notes one effect.
    private mutating func note(_ effect: Broker.Effect) {
        switch effect {
        case .reply(let peer, let requestID, let reply): answer(peer, requestID, reply, nil)
        case .replyWithMemory(let peer, let requestID, let reply, let segmentID, let access):
            answer(peer, requestID, reply, (segmentID, access))
        case .pin(let peer, let requestID, let segmentID, let session):
            // HELLO's answer, with the session's id, may still wait for a segment's memory.
            if peers[peer].map({ $0.session ?? session }) != session || segments[segmentID]?.isMade != true {
                findings.append("session \(session) pins segment id \(segmentID)")
            }
            if pinned[segmentID, default: [:]].updateValue(peer, forKey: session) ?? peer != peer {
                findings.append("session \(session) pins segment id \(segmentID) for two connections")
            }
            answer(peer, requestID, .pinned, nil)
        case .unpin(let segmentID, let session):
            if pinned[segmentID]?.removeValue(forKey: session) == nil {
                findings.append("session \(session) unpins segment id \(segmentID)")
            }
        case .disconnect(let peer, let reason):
            if peers.removeValue(forKey: peer) == nil { findings.append("nobody was disconnected: \(reason)") }
            counts["disconnect", default: 0] += 1
        case .makeMemory(let segmentID, let definition):
            if !issued.insert(segmentID).inserted { findings.append("segment id \(segmentID) came twice") }
            if segments.values.contains(where: { $0.name == definition.name }) {
                findings.append("\(definition.name) exists twice")
            }
            segments[segmentID] = Region(
                name: definition.name, definition: definition, charge: Self.pages(definition.byteCount))
        case .releaseMemory(let segmentID):
            segments[segmentID] = nil
            pinned[segmentID] = nil
        case .remember, .forget, .log, .statusChanged: break
        }
    }

    /// Notes one reply.
    private mutating func answer(
        _ peer: PeerID, _ requestID: UInt32, _ reply: Reply, _ memory: (UInt64, Access)?
    ) {
        guard let caller = peers[peer], var question = caller.open[requestID] else {
            findings.append("\(reply) answers no open request of connection \(peer.rawValue)")
            return
        }
        peers[peer]?.open[requestID] = nil
        counts[Self.label(reply), default: 0] += 1
        switch (question.request, reply) {
        case (.hello(let hello), .hello(_, let session, _, let attachment)):
            if question.isGreeted { findings.append("HELLO was answered twice") }
            if peers.values.contains(where: { $0.session == session }) { findings.append("session \(session) twice") }
            peers[peer]?.session = session
            if attachment != nil {
                attach(peer, hello.attach?.segment, hello.attach?.access, attachment, memory, question.verdict)
            } else if hello.attach != nil {
                question.isGreeted = true
                peers[peer]?.open[requestID] = question
            }
        case (.attach(let name, let access), .attached(let attachment)):
            attach(peer, name, access, attachment, memory, question.verdict)
        case (.detach(let segmentID), .detached):
            guard let count = caller.attached[segmentID] else {
                findings.append("segment id \(segmentID) was detached and not attached")
                return
            }
            peers[peer]?.attached[segmentID] = count > 1 ? count - 1 : nil
            if count == 1 { peers[peer]?.pins[segmentID] = nil }
        case (.pin(let segmentID), .pinned):
            if caller.attached[segmentID] == nil { findings.append("pinned segment id \(segmentID), not attached") }
            peers[peer]?.pins[segmentID, default: 0] += 1
        case (.unpin(let segmentID), .unpinned):
            if caller.pins[segmentID] == nil { findings.append("unpinned segment id \(segmentID), not pinned") }
            unpin(peer, segmentID)
        case (.create(let definition), .created(let segmentID)):
            if segments[segmentID]?.name != definition.name || segments[segmentID]?.isMade != true {
                findings.append("\(definition.name) was reported before it was made")
            }
        case (.remove, .removed): if question.verdict != .allowed { findings.append("removed: \(question.verdict)") }
        case (.show(let name), .shown(let description)):
            checkDescription(description, caller.identity)
            if description.name != name || question.verdict != .allowed { findings.append("shown: \(description)") }
        case (.list(let after), .list(let page, let more)): checkPage(page, more, after, caller.identity)
        case (_, .failure(let failure)): refuse(question, failure, caller)
        default: findings.append("\(question.request) was answered with \(reply)")
        }
    }

    /// Notes an attachment.
    private mutating func attach(
        _ peer: PeerID, _ name: SegmentName?, _ access: Access?, _ attachment: Attachment?,
        _ memory: (UInt64, Access)?, _ verdict: Verdict
    ) {
        guard let memory, let attachment, memory.0 == attachment.segmentID, memory.1 == access,
            attachment.access == access, segments[memory.0]?.name == name, segments[memory.0]?.isMade == true,
            verdict == .allowed, access == .readWrite || attachment.lockByteCount == 0
        else {
            findings.append("an attachment isn't what was asked for: \(String(describing: attachment))")
            return
        }
        peers[peer]?.attached[memory.0, default: 0] += 1
    }

    /// Notes a refusal.
    private mutating func refuse(_ question: Question, _ failure: Failure, _ caller: Caller) {
        let isFitting: Bool
        switch (question.request, failure.error) {
        case (.hello(let hello), EPROTONOSUPPORT): isFitting = !hello.majors.contains(1)
        case (.hello, EDQUOT): isFitting = caller.session == nil
        case (.attach, ENOENT), (.show, ENOENT), (.remove, ENOENT), (.hello, ENOENT):
            isFitting = question.verdict == .missing
        case (.attach, EACCES), (.show, EACCES), (.remove, EACCES), (.hello, EACCES):
            isFitting = question.verdict == .denied
        case (.attach, _), (.show, _), (.hello, _):
            isFitting = question.verdict == .allowed && [ENOMEM, ENOSPC, EDQUOT].contains(failure.error)
        case (.remove, EBUSY):
            isFitting = question.verdict == .allowed
        case (.detach(let segmentID), EINVAL): isFitting = caller.attached[segmentID] == nil
        case (.pin(let segmentID), EINVAL): isFitting = caller.attached[segmentID] == nil
        case (.pin(let segmentID), EIDRM):
            isFitting = caller.attached[segmentID] != nil && segments[segmentID] == nil
        case (.unpin(let segmentID), EINVAL): isFitting = caller.pins[segmentID] == nil
        case (.create, _): isFitting = [EACCES, EEXIST, EINVAL, ENOSPC, ENOMEM, EDQUOT].contains(failure.error)
        default: isFitting = false
        }
        if !isFitting { findings.append("\(question.request) was refused: \(failure)") }
        if failure.text.isEmpty || failure.text.utf8.count > 512 || failure.text.hasSuffix(".") {
            findings.append("no sentence: \(failure)")
        }
    }

    /// Compares a description with what is known.
    private mutating func checkDescription(_ description: SegmentDescription, _ identity: PeerIdentity) {
        let attached = peers.values.count { $0.attached[description.segmentID] != nil }
        guard let region = segments[description.segmentID], region.isMade, region.name == description.name,
            region.definition.mode == description.mode, region.definition.owner == description.owner,
            region.definition.group == description.group, attached == Int(description.sessionCount),
            description.access?.bits ?? 0 == Self.mostBits(region.definition, identity)
        else {
            findings.append("a description is wrong: \(description), \(attached) attached")
            return
        }
    }

    /// Compares a page of descriptions with what is known.
    private mutating func checkPage(
        _ page: [SegmentDescription], _ more: Bool, _ after: SegmentName?, _ identity: PeerIdentity
    ) {
        let names = segments.values.filter { region in
            region.isMade && Self.bits(region.definition, identity) & 0o4 != 0 && after.map { $0 < region.name } ?? true
        }.map(\.name).sorted()
        if page.map(\.name) != [SegmentName](names.prefix(24)) || more != (names.count > 24) {
            findings.append("a list is wrong: \(page.map(\.name)), not \(names)")
        }
        if more { counts["list with more", default: 0] += 1 }
        for description in page { checkDescription(description, identity) }
    }

    /// Takes one pin of a connection back.
    private mutating func unpin(_ peer: PeerID, _ segmentID: UInt64) {
        guard let count = peers[peer]?.pins[segmentID] else { return }
        peers[peer]?.pins[segmentID] = count > 1 ? count - 1 : nil
    }

    /// Compares the pins that the daemon holds with those that the connections have.
    private mutating func checkPins(_ event: Broker.Event) {
        if case .pinFailed(let peer, let segmentID) = event, peers[peer]?.pins[segmentID] == nil {
            // The daemon had none either.
            pinned[segmentID] = pinned[segmentID]?.filter { $0.value != peer }
        }
        for segmentID in segments.keys {
            let held = Set(pinned[segmentID, default: [:]].values)
            let expected = Set(peers.keys.filter { peers[$0]?.pins[segmentID] != nil })
            if held != expected { findings.append("pins of segment id \(segmentID): \(held), not \(expected)") }
        }
    }

    /// Looks for requests that nothing will answer: only a segment that is being made may keep one open.
    private mutating func checkOpenQuestions() {
        for caller in peers.values {
            for question in caller.open.values {
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

    /// Rounds up to whole pages.
    private static func pages(_ byteCount: UInt64) -> UInt64 { (byteCount + 4095) / 4096 * 4096 }

    /// Returns the bits of the class that counts for `identity`.
    private static func bits(_ definition: SegmentDefinition, _ identity: PeerIdentity) -> UInt32 {
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

    /// Names the kind of a reply.
    private static func label(_ reply: Reply) -> String {
        switch reply {
        case .hello(_, _, _, let attachment): attachment == nil ? "hello" : "hello with attachment"
        case .attached: "attached"
        case .detached: "detached"
        case .created: "created"
        case .removed: "removed"
        case .list: "list"
        case .shown: "shown"
        case .pinned: "pinned"
        case .unpinned: "unpinned"
        case .failure(let failure): "failure \(failure.error)"
        }
    }
}

extension Access {
    /// The permission bits that the access needs.
    fileprivate var bits: UInt32 { self == .readOnly ? 0o4 : 0o6 }
}
