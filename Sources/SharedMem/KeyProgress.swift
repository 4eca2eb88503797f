internal import LinuxIPC
internal import SharedMemStore

/// What the watch of one key knows.
struct KeyProgress {
    private let key: [UInt8]
    private var registration: Registration?
    /// The newest version that is known; nil: what there is when the daemon watches.
    private var version: UInt64?
    /// Whether the key existed at that version; nil: not known.
    private var existed: Bool?
    /// The segment that the version is one of; nil: not known.
    private var segmentID: UInt64?
    /// Whether the daemon has said once that it watches.
    private(set) var isEstablished = false

    /// A watch of `key` behind a version; nil: from the first look on.
    init(key: [UInt8], after version: UInt64?) {
        self.key = key
        self.version = version
    }

    /// Looks whether the key has another version.
    ///
    /// Model: `watch.pml`.
    mutating func look(in segment: Segment, isQuiet: Bool) throws(SharedMemError) -> Look {
        let sight = try unsafe segment.sight(of: key.span.bytes)
        let hasEnded = sight.current.exists && sight.hasExpired
        if hasEnded, segment.access == .readWrite, try unsafe segment.deleteExpired(key.span.bytes, isQuiet: isQuiet) {
            return .again
        }
        if isEstablished, let version, sight.current.version > version {
            let isNews = sight.exists || existed != false
            note(sight)
            if isNews { return .found(changes(sight), isAll: true) }
        }
        switch try segment.footing(at: sight.place, registration, isQuiet: isQuiet) {
        case .firm(let attachment):
            defer { segmentID = attachment.segmentID }
            if !isEstablished {
                isEstablished = true
                if version == nil { note(sight) }
                return .again
            }
            // Versions of another segment of that name can't be compared.
            if let segmentID, segmentID != attachment.segmentID {
                note(sight)
                return .found(changes(sight), isAll: true)
            }
            return .nothing(sight.rest(in: attachment))
        case .renewed(let registration):
            self.registration = registration
            return .again
        case .none(let attachment): return .nothing(sight.rest(in: attachment, isSoon: true))
        case .gone: return .again
        }
    }

    private mutating func note(_ sight: KeySight) {
        version = sight.current.version
        existed = sight.exists
    }

    private func changes(_ sight: KeySight) -> SegmentChanges {
        let change = SegmentChange(kind: sight.exists ? .set : .deleted, key: key, version: sight.current.version)
        return SegmentChanges(changes: [change], isListing: false)
    }

    /// When to look again if the word doesn't move, as far as can be known without asking the daemon; nil: now.
    func nextLook(in segment: Segment) -> UInt64? {
        guard let registration, let version, segment.isUndisturbed(registration) else { return nil }
        do throws(SharedMemError) {
            let sight = try unsafe segment.sight(of: key.span.bytes)
            let hasEnded = sight.current.exists && sight.hasExpired && segment.access == .readWrite
            return sight.current.version > version || hasEnded ? nil : sight.until
        } catch {
            return nil
        }
    }
}
