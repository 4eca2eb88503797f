import Glibc
import SharedMemBroker
import SharedMemProtocol

/// Watches events and effects from outside, with a plain idea of its own of what they may be.
struct Witness {
    /// What was wrong so far.
    var findings: [String] = []
    /// The connections that are open.
    var peers: [PeerID: Caller] = [:]
    /// The sessions, by id.
    var tenants: [UInt32: Tenant] = [:]
    /// The segments that exist, by id.
    var segments: [UInt64: Region] = [:]
    /// How often each kind of reply came; a failure counts as its errno.
    var counts: [String: Int] = [:]
    /// The pins that the daemon holds, by segment and session.
    var pinned: [UInt64: Set<UInt32>] = [:]
    /// The flags in the segments' memory.
    var flags: [UInt64: WatchSet] = [:]
    /// Segments whose flags are still to be set behind a restart.
    var unrestored: Set<UInt64> = []
    /// All segment ids that ever were.
    var issued: Set<UInt64> = []
    /// Processes that the daemon watches.
    var watched: Set<ProcessIdentity> = []
    /// What the configuration says; nil: it wasn't read yet.
    var configuration: Broker.Configuration?
    /// Segments whose values a restart lost, and that the configuration still has to come for.
    var lost: [SavedSegment] = []
    /// What was saved last.
    var saved: SavedState
    /// The lock words that are being looked at, by connection and request.
    var looks: [PeerID: Set<UInt32>] = [:]
    /// The moves of segments.
    var moves = Moves()

    /// A connection.
    struct Caller {
        /// Who it is.
        let identity: PeerIdentity
        /// Which process that is.
        let process: ProcessIdentity
        /// The token for its session.
        let token: SessionToken
        /// When it connected.
        let time: UInt64
        /// The session's id, when HELLO or RECONNECT was accepted.
        var session: UInt32?
        /// Requests that aren't answered yet, by their number.
        var open: [UInt32: Question] = [:]
    }

    /// A session.
    struct Tenant {
        /// What is to be saved of it; its rights are a set.
        var saved: SavedSession
        /// Its connection.
        var peer: PeerID?
        /// What it can write.
        var writable: Set<UInt64> = []
        /// How often it's attached to which segment.
        var attached: [UInt64: Int] = [:]
        /// How often it has pinned which segment.
        var pins: [UInt64: Int] = [:]
        /// What it watches in which segment.
        var watches: [UInt64: WatchSet] = [:]
        /// When it began anew.
        var resumedAt: UInt64 = 0

        /// Whether its connection has ended.
        var isAbandoned: Bool { saved.isAbandoned }
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

    /// What names, modes and tokens said when a request came.
    enum Verdict: Equatable { case missing, denied, allowed, done(SavedSession.Change) }

    /// A segment.
    struct Region {
        /// Its name.
        var name: SegmentName { saved.definition.name }
        /// What is to be saved of it, with the newest owner, group and mode.
        var saved: SavedSegment
        /// Bytes that count against the limit.
        var charge: UInt64
        /// Whether its memory is there.
        var isMade = false
        /// The session and the request that it's made for.
        var creation: Creation?

        /// Who asked for a segment.
        struct Creation: Equatable { let session, requestID: UInt32 }
    }

    /// Begins with a broker that nothing has happened to.
    init(_ broker: Broker) {
        saved = broker.savedState
    }

    /// Bytes that all segments are charged with.
    var charged: UInt64 { segments.values.reduce(into: 0) { $0 += $1.charge } }

    /// Notes one event, what it led to, and what the broker says afterwards.
    mutating func note(_ event: Broker.Event, _ effects: [Broker.Effect], _ broker: Broker) {
        let state = broker.savedState
        apply(event, effects, state)
        for effect in effects { note(effect, of: event) }
        sweep()
        checkSaving(event, effects, state)
        checkOpenQuestions()
        checkPins(event)
        checkWatches()
        checkProcesses()
        checkMoves(event, effects)
        let summary = broker.summary
        if summary.byteCount != charged { findings.append("\(summary.byteCount) bytes charged, not \(charged)") }
        if summary.segmentCount != segments.count { findings.append("\(summary.segmentCount) segments") }
        let present = tenants.values.filter { !$0.isAbandoned }.count
        if summary.sessionCount != present { findings.append("\(summary.sessionCount) sessions, not \(present)") }
    }

    /// Applies an event to what is known.
    private mutating func apply(_ event: Broker.Event, _ effects: [Broker.Effect], _ state: SavedState) {
        switch event {
        case .connected(let peer, let identity, let process, let token, let time):
            guard peers[peer] == nil else { return }
            peers[peer] = Caller(identity: identity, process: process, token: token, time: time)
            watched.insert(process)
        case .hungUp(let peer): leave(peer)
        case .died(let process): bury(process, effects)
        case .received(let peer, let requestID, let request): ask(request, requestID, peer, effects, state)
        case .memoryMade(let segmentID, let dataByteCount, let lockByteCount, let createdAt):
            guard !effects.contains(.releaseMemory(segmentID: segmentID)) else { return }
            takeMemory(segmentID, dataByteCount, lockByteCount, createdAt)
        case .memoryFailed(let segmentID, _, _): if segments[segmentID]?.isMade == false { segments[segmentID] = nil }
        case .pinFailed(let peer, let segmentID): losePin(peer, segmentID)
        case .pinFound(let segmentID, let session): findPin(segmentID, session, effects)
        case .lockSeen(let peer, let requestID, let segmentID, let owner, let takenAt):
            judge(owner, segmentID, takenAt, (peer, requestID), effects)
        case .ownerFound(let segmentID, let owner): judge(owner, segmentID, 0, nil, effects)
        case .repaired: moves.repairCount += 1
        case .spoiled(let segmentID):
            guard segments[segmentID]?.isMade == true else { return }
            moves.spoiled.insert(segmentID)
            moves.expect(segmentID)
        case .generationMade(let segmentID, let generation, let dataByteCount, let lockByteCount, let createdAt):
            finishMove(segmentID, generation, effects) {
                $0.dataByteCount = dataByteCount
                $0.lockByteCount = lockByteCount
                $0.createdAt = createdAt
            }
        case .generationFailed(let segmentID, _, _): moves.fail(segmentID)
        case .restored(let state, let living, let kept): restart(state, living, kept, effects)
        case .configured(let configuration): configure(configuration)
        case .recalled: break
        }
    }

    /// Notes that a segment's memory is there.
    private mutating func takeMemory(
        _ segmentID: UInt64, _ dataByteCount: UInt64, _ lockByteCount: UInt64, _ createdAt: UInt64
    ) {
        guard var region = segments[segmentID], !region.isMade else { return }
        region.isMade = true
        region.charge = Self.pages(dataByteCount) + Self.pages(lockByteCount)
        region.saved.dataByteCount = dataByteCount
        region.saved.lockByteCount = lockByteCount
        region.saved.createdAt = createdAt
        if let creation = region.creation {
            tenants[creation.session]?.saved.lastChange = SavedSession.Change(
                requestID: creation.requestID, createdSegmentID: segmentID)
        }
        region.creation = nil
        segments[segmentID] = region
    }

    /// Notes a new configuration.
    private mutating func configure(_ new: Broker.Configuration) {
        configuration = new
        for id in segments.keys {
            let definition = new.segments.first { $0.name == segments[id]?.name }
            segments[id]?.saved.isConfigured = definition != nil
            guard let definition else { continue }
            segments[id]?.saved.definition.mode = definition.mode
            segments[id]?.saved.definition.owner = definition.owner
            segments[id]?.saved.definition.group = definition.group
        }
    }

    /// Notes one effect.
    private mutating func note(_ effect: Broker.Effect, of event: Broker.Event) {
        switch effect {
        case .reply(let peer, let requestID, let reply): answer(peer, requestID, reply, nil)
        case .replyWithMemory(let peer, let requestID, let reply, let segmentID, let access):
            answer(peer, requestID, reply, (segmentID, access))
        case .replyWithSessions(let peer, let requestID, let page, let more):
            answer(peer, requestID, .sessions(page, more: more), nil)
        case .replyWithStatistics(let peer, let requestID, let statistics):
            answer(peer, requestID, .statistics(statistics), nil)
        case .pin(let peer, let requestID, let segmentID, let session):
            if peers[peer]?.session != session || segments[segmentID]?.isMade != true {
                findings.append("session \(session) pins segment id \(segmentID)")
            }
            pinned[segmentID, default: []].insert(session)
            answer(peer, requestID, .pinned, nil)
        case .unpin(let segmentID, let session):
            if pinned[segmentID]?.remove(session) == nil {
                findings.append("session \(session) unpins segment id \(segmentID)")
            }
        case .setWatched(let segmentID, let words): flag(segmentID, words, isRestored: false)
        case .restoreWatched(let segmentID, let words): flag(segmentID, words, isRestored: true)
        case .disconnect(let peer, let reason):
            if peers[peer] == nil { findings.append("nobody was disconnected: \(reason)") }
            leave(peer)
            counts["disconnect", default: 0] += 1
        case .makeMemory(let segmentID, let definition): make(segmentID, definition, event)
        case .releaseMemory(let segmentID):
            segments[segmentID] = nil
            pinned[segmentID] = nil
            forgetWatches(segmentID)
            moves.forget(segmentID)
            for id in tenants.keys { tenants[id]?.writable.remove(segmentID) }
        case .makeGeneration(let segmentID, let generation, let definition, _):
            beginMove(segmentID, generation, definition)
        case .seeLock(let peer, let requestID, _): looks[peer, default: []].insert(requestID)
        case .forgetProcess(let process):
            if watched.remove(process) == nil { findings.append("\(process) was forgotten and not known") }
            counts["forgetProcess", default: 0] += 1
        case .close(let peer):
            if peers[peer] != nil { findings.append("connection \(peer.rawValue) was closed and is needed") }
            counts["close", default: 0] += 1
        case .repair: counts["repair", default: 0] += 1
        case .save: counts["save", default: 0] += 1
        case .retireGeneration: counts["retireGeneration", default: 0] += 1
        case .log(.error, let sentence): stopMove(sentence)
        case .remember, .forget, .log, .statusChanged: break
        }
    }

    /// Notes that a segment's memory is to be made.
    private mutating func make(_ segmentID: UInt64, _ definition: SegmentDefinition, _ event: Broker.Event) {
        if !issued.insert(segmentID).inserted { findings.append("segment id \(segmentID) came twice") }
        if segments.values.contains(where: { $0.name == definition.name }) {
            findings.append("\(definition.name) exists twice")
        }
        var region = Region(
            saved: SavedSegment(
                id: segmentID, generation: 1, definition: definition, dataByteCount: 0, lockByteCount: 0, createdAt: 0,
                isMadeByClient: false, isConfigured: false), charge: Self.pages(definition.byteCount))
        switch event {
        case .received(let peer, let requestID, _):
            region.saved.isMadeByClient = true
            region.creation = (peers[peer]?.session).map { Region.Creation(session: $0, requestID: requestID) }
            let largest = segments.values.map(\.charge).reduce(region.charge, max)
            if let configuration, configuration.keepsSwitchRoom,
                charged + region.charge + largest > configuration.memoryLimit
            {
                findings.append("\(definition.name) leaves no room for a switch")
            }
        case .configured(let configuration):
            region.saved.isConfigured = configuration.segments.contains { $0.name == definition.name }
            let wasMadeByClient = lost.contains { $0.definition.name == definition.name && $0.isMadeByClient }
            region.saved.isMadeByClient = wasMadeByClient && !region.saved.isConfigured
        default: break
        }
        segments[segmentID] = region
    }

    /// Rounds up to whole pages.
    static func pages(_ byteCount: UInt64) -> UInt64 { (byteCount + 4095) / 4096 * 4096 }
}
