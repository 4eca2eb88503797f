import Glibc
import SharedMemBroker
import SharedMemProtocol

extension Witness {
    /// Notes that a caller's session watches more.
    mutating func watch(_ caller: Caller, _ request: WatchRequest) {
        guard let id = caller.session, tenants[id]?.attached[request.segmentID] != nil, !request.words.isEmpty,
            segments[request.segmentID]?.saved.generation == request.generation,
            moves.running?.segmentID != request.segmentID
        else {
            findings.append("\(request) was answered")
            return
        }
        tenants[id]?.watches[request.segmentID, default: WatchSet()].stripes |= request.words.stripes
        if request.words.segment { tenants[id]?.watches[request.segmentID]?.segment = true }
        // Before the reply, not later.
        checkFlags(of: request.segmentID)
    }

    /// Notes that a caller's session watches less.
    mutating func unwatch(_ caller: Caller, _ request: WatchRequest) {
        guard let id = caller.session, var words = tenants[id]?.watches[request.segmentID],
            segments[request.segmentID]?.saved.generation == request.generation
        else { return }
        words.stripes &= ~request.words.stripes
        if request.words.segment { words.segment = false }
        tenants[id]?.watches[request.segmentID] = words.stripes == 0 && !words.segment ? nil : words
        counts["watched less", default: 0] += 1
    }

    /// Whether a refusal of WATCH fits.
    func isFitting(_ error: Int32, _ request: WatchRequest, _ tenant: Tenant?) -> Bool {
        let isAttached = tenant?.attached[request.segmentID] != nil
        let region = segments[request.segmentID]
        switch error {
        case EINVAL: return !isAttached || request.words.isEmpty
        case EIDRM: return isAttached && region == nil
        case ESTALE:
            let isMoving = moves.running?.segmentID == request.segmentID
            return isAttached && region != nil && (region?.saved.generation != request.generation || isMoving)
        default: return false
        }
    }

    /// Notes the flags of a segment; those that an earlier daemon left are set for each, once.
    mutating func flag(_ segmentID: UInt64, _ words: WatchSet, isRestored: Bool) {
        if segments[segmentID]?.isMade != true { findings.append("flags of segment id \(segmentID) are set") }
        if isRestored, unrestored.remove(segmentID) == nil {
            findings.append("flags of segment id \(segmentID) are restored")
        }
        flags[segmentID] = words
        counts[isRestored && !words.isEmpty ? "restored flags" : "flags", default: 0] += 1
    }

    /// Forgets who watched a generation.
    mutating func forgetWatches(_ segmentID: UInt64) {
        flags[segmentID] = nil
        for id in tenants.keys { tenants[id]?.watches[segmentID] = nil }
    }

    /// Compares all flags with what the sessions watch.
    mutating func checkWatches() {
        for segmentID in segments.keys { checkFlags(of: segmentID) }
        if !unrestored.isEmpty { findings.append("flags of segments \(unrestored) were not restored") }
    }

    /// Compares a segment's flags with what the sessions watch.
    private mutating func checkFlags(of segmentID: UInt64) {
        var words = WatchSet()
        for tenant in tenants.values {
            guard let watched = tenant.watches[segmentID] else { continue }
            words.stripes |= watched.stripes
            if watched.segment { words.segment = true }
        }
        let found = flags[segmentID] ?? WatchSet()
        if found != words { findings.append("the flags of segment id \(segmentID) are \(found), not \(words)") }
    }
}
