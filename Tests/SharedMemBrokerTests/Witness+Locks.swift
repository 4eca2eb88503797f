import Glibc
import SharedMemBroker
import SharedMemProtocol

extension Witness {
    /// The moves of segments to new generations, and why.
    struct Moves {
        /// Segments that have to move.
        var expected: Set<UInt64> = []
        /// The segment that moves, and where to.
        var running: (segmentID: UInt64, generation: UInt64, charge: UInt64)?
        /// Segments that can't be trusted.
        var spoiled: Set<UInt64> = []
        /// Ids that were found in lock words and that nobody has.
        var strangers: [UInt64: UInt32] = [:]
        /// Sessions that have died, until a lock word was seen to name them.
        var dead: Set<UInt32> = []
        /// Moves that were done since the start.
        var count: UInt64 = 0
        /// Lock words that were taken over since the start.
        var repairCount: UInt64 = 0
        /// Restarts.
        var restartCount: UInt64 = 0

        /// Notes that a segment has to move, unless it does.
        mutating func expect(_ segmentID: UInt64) {
            if running?.segmentID != segmentID { expected.insert(segmentID) }
        }

        /// Notes that a segment stays where it is.
        mutating func fail(_ segmentID: UInt64) {
            if running?.segmentID == segmentID { running = nil }
        }

        /// Forgets a segment that was removed.
        mutating func forget(_ segmentID: UInt64) {
            expected.remove(segmentID)
            spoiled.remove(segmentID)
            strangers[segmentID] = nil
        }

        /// Goes on in another daemon.
        mutating func restart() {
            self = Moves(restartCount: restartCount + 1)
        }
    }

    /// Compares what was said of a lock word's owner with what is known of that session.
    mutating func judge(
        _ owner: UInt32, _ segmentID: UInt64, _ takenAt: UInt64, _ asker: (peer: PeerID, requestID: UInt32)?,
        _ effects: [Broker.Effect]
    ) {
        if let asker { looks[asker.peer]?.remove(asker.requestID) }
        guard segments[segmentID]?.isMade == true else { return }
        let tenant = tenants[owner]
        moves.strangers[segmentID] = tenant == nil && History.sessionIDs.contains(owner) ? owner : nil
        let isAnew = takenAt != 0 && takenAt + 10_000_000 < tenant?.resumedAt ?? 0
        let mayRelease = tenant.map { !$0.isAbandoned && $0.writable.contains(segmentID) && !isAnew } ?? false
        var expected: Holder.State =
            if moves.spoiled.contains(segmentID), asker != nil {
                .replaced
            } else if owner == 0 {
                .none
            } else if mayRelease {
                tenant?.peer == nil ? .restored : .connected
            } else {
                .replaced
            }
        let replies = effects.replies
        if replies.count != (asker.map { peers[$0.peer]?.session != nil } == true ? 1 : 0) {
            findings.append("a lock word was seen: \(replies)")
        }
        // Who has just died is told as nobody, once; a broker remembers only the last ones.
        if expected == .replaced, !moves.spoiled.contains(segmentID), moves.dead.contains(owner) {
            let isMoving = effects.contains { if case .makeGeneration = $0 { true } else { false } }
            if case .holder(let holder)? = effects.reply, holder.state == .none { expected = .none }
            if effects.reply == nil, !isMoving { expected = .none }
            if asker != nil { moves.dead.remove(owner) }
            if expected == .none { moves.strangers[segmentID] = nil }
        }
        switch effects.reply {
        case .holder(let holder):
            if holder.state != expected { findings.append("\(holder), expected \(expected)") }
            if holder.state != .none {
                if holder.session != owner || holder.takenAt != takenAt { findings.append("\(holder), not \(owner)") }
                if holder.pid != tenant?.saved.process.pid ?? 0 { findings.append("\(holder), not \(owner)") }
            }
        case .failure(let failure):
            if expected != .replaced || failure.error != ENOSPC || hasRoom(for: segmentID) {
                findings.append("\(failure), expected \(expected)")
            }
            return
        default: break
        }
        if expected == .replaced { moves.expect(segmentID) }
    }

    /// Notes that the worker is to make a generation.
    mutating func beginMove(_ segmentID: UInt64, _ generation: UInt64, _ definition: SegmentDefinition) {
        guard let region = segments[segmentID], region.isMade, moves.running == nil,
            moves.expected.remove(segmentID) != nil, generation == region.saved.generation + 1,
            definition.byteCount == region.saved.definition.byteCount, definition.name == region.name,
            hasRoom(for: segmentID)
        else {
            findings.append("generation \(generation) of segment id \(segmentID) is to be made")
            return
        }
        moves.running = (segmentID, generation, region.charge)
        counts["makeGeneration", default: 0] += 1
    }

    /// Notes that a generation was made.
    mutating func finishMove(
        _ segmentID: UInt64, _ generation: UInt64, _ effects: [Broker.Effect], _ change: (inout SavedSegment) -> Void
    ) {
        guard let running = moves.running, running.segmentID == segmentID, running.generation == generation else {
            return
        }
        moves.running = nil
        guard var region = segments[segmentID] else {
            if !effects.contains(.releaseMemory(segmentID: segmentID)) {
                findings.append("generation \(generation) of a removed segment was not released")
            }
            counts["late generation", default: 0] += 1
            return
        }
        let retired = Broker.Effect.retireGeneration(segmentID: segmentID, generation: region.saved.generation)
        if !effects.contains(retired) { findings.append("the generation before \(generation) was not retired") }
        change(&region.saved)
        region.saved.generation = generation
        region.charge = Self.pages(region.saved.dataByteCount) + Self.pages(region.saved.lockByteCount)
        segments[segmentID] = region
        forgetWatches(segmentID)
        moves.count += 1
        moves.spoiled.remove(segmentID)
        moves.strangers[segmentID] = nil
    }

    /// Looks for segments that have to move while none does: only for lack of room.
    mutating func checkMoves(_ event: Broker.Event, _ effects: [Broker.Effect]) {
        guard moves.running == nil, configuration != nil else { return }
        for segmentID in moves.expected where hasRoom(for: segmentID) {
            findings.append("segment id \(segmentID) was to move and doesn't, after \(event): \(effects)")
        }
        moves.expected = []
    }

    /// Notes that a segment that was to move stays, as a line of the log says, for lack of room.
    mutating func stopMove(_ sentence: String) {
        for (id, region) in segments where sentence.hasPrefix("the next generation of segment \(region.name) needs") {
            if moves.expected.remove(id) != nil, hasRoom(for: id) { findings.append("there is room: \(sentence)") }
        }
    }

    /// Whether the memory limit leaves room for a segment's next generation.
    private func hasRoom(for segmentID: UInt64) -> Bool {
        let running = moves.running?.charge ?? 0
        return charged + running + (segments[segmentID]?.charge ?? 0) <= configuration?.memoryLimit ?? .max
    }
}
