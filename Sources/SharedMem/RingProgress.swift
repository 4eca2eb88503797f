internal import LinuxIPC
internal import SharedMemStore

/// What the watch of the keys with a prefix knows.
struct RingProgress {
    private let prefix: [UInt8]
    private var registration: Registration?
    /// Up to where the changes are known; nil: nowhere yet.
    private var cursor: ChangeCursor?
    /// The view of the generation that the cursor belongs to.
    private var address: UInt = 0
    /// Whether changes may be missing in the ring: then the keys are listed.
    private var mustList: Bool
    /// Whether changes may have been made while nobody watched.
    private var mayBeBehind = false
    /// Whether the daemon has said once that it watches.
    private(set) var isEstablished = false

    /// A watch of the keys that begin with `prefix`.
    init(prefix: [UInt8], listingFirst: Bool) {
        self.prefix = prefix
        mustList = listingFirst
    }

    /// Entries of the ring that one look reads at most.
    private static var entryLimit: Int { 8192 }

    /// What was seen of the ring.
    private struct Sight {
        let place: WatchPlace
        /// Behind what was read; of a generation that is new to the watch, behind all there is.
        var cursor: ChangeCursor
        let isNew: Bool
        var batch = ChangeBatch()
        /// Whether changes are missing.
        var isLost = false
        /// Whether the ring has nothing more.
        var isAtEnd = false
        /// Whether something was committed that isn't in the ring.
        var isBehind = false

        func rest(in attachment: AttachedStore, isSoon: Bool = false) -> Rest {
            let slice = isSoon || !place.isOwned ? Rest.napNanoseconds : Rest.sliceNanoseconds
            return Rest(
                attachment: attachment, word: place.word, value: place.value, until: SystemClock.monotonic() + slice)
        }
    }

    /// Looks which keys have changed.
    ///
    /// Model: `watch.pml`.
    mutating func look(in segment: Segment, isQuiet: Bool) throws(SharedMemError) -> Look {
        let sight = try sight(in: segment)
        if sight.isNew {
            // What has changed since the last generation was left isn't known.
            if isEstablished { mustList = true }
        } else {
            cursor = sight.cursor
            if sight.isLost { mustList = true }
            if !mustList {
                let changes = sight.batch.sorted()
                if !changes.isEmpty {
                    return .found(SegmentChanges(changes: changes, isListing: false), isAll: sight.isAtEnd)
                }
                if !sight.isAtEnd { return .again }
            }
        }
        switch try segment.footing(at: sight.place, registration, isQuiet: isQuiet) {
        case .firm(let attachment):
            if !isEstablished {
                isEstablished = true
                cursor = sight.cursor
                address = sight.place.address
                return .again
            }
            if mustList || sight.isBehind && (isQuiet || mayBeBehind) { return try list(segment, sight.place.address) }
            mayBeBehind = false
            return .nothing(sight.rest(in: attachment))
        case .renewed(let registration):
            self.registration = registration
            mayBeBehind = isEstablished
            return .again
        case .none(let attachment): return .nothing(sight.rest(in: attachment, isSoon: true))
        case .gone: return .again
        }
    }

    /// Reads the ring.
    private func sight(in segment: Segment) throws(SharedMemError) -> Sight {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Segment.keyLimit, alignment: 8)
        defer { unsafe buffer.deallocate() }
        return try unsafe segment.withView { (view) throws(StoreError) in
            let store = unsafe view.pointee.store
            try store.checkState()
            let place = unsafe WatchPlace(view, word: NotifyWords.segmentIndex)
            guard let cursor, address == place.address else {
                return Sight(place: place, cursor: store.changeCursor(), isNew: true)
            }
            var sight = Sight(place: place, cursor: cursor, isNew: false)
            for _ in 0..<Self.entryLimit where !sight.batch.isFull {
                switch unsafe store.nextChange(after: &sight.cursor, into: buffer) {
                case .changed(let version, let isDeletion, let count):
                    let key = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
                    guard unsafe key.starts(with: prefix) else { continue }
                    let change = unsafe SegmentChange(
                        kind: isDeletion ? .deleted : .set, key: [UInt8](key), version: version)
                    sight.batch.add(change)
                case .end:
                    sight.isAtEnd = true
                    sight.isBehind = store.isBehind(sight.cursor)
                    return sight
                case .listAgain:
                    sight.isLost = true
                    return sight
                }
            }
            return sight
        }
    }

    /// Lists the keys that there are, with a cursor from before.
    ///
    /// Model: `watch.pml`.
    private mutating func list(_ segment: Segment, _ place: UInt) throws(SharedMemError) -> Look {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Segment.keyLimit, alignment: 8)
        defer { unsafe buffer.deallocate() }
        // A key that is deleted and set again meanwhile can stand in another place, and be met twice.
        var batch = ChangeBatch()
        let start: ChangeCursor? = try unsafe segment.withView { (view) throws(StoreError) in
            guard UInt(bitPattern: view) == place else { return nil }
            let store = unsafe view.pointee.store
            let start = store.changeCursor()
            var position: UInt64 = 0
            batch = ChangeBatch()
            while let info = try unsafe store.nextKey(after: &position, into: buffer) {
                let key = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<info.byteCount])
                guard unsafe key.starts(with: prefix) else { continue }
                let current = try unsafe store.currentVersion(of: key)
                guard current.exists, current.expiresAt == 0 || current.expiresAt > SystemClock.boottime() else {
                    continue
                }
                let change = unsafe SegmentChange(kind: .set, key: [UInt8](key), version: current.version)
                batch.add(change)
                WaitHook.pause(behind: change.key)
            }
            return start
        }
        guard let start else { return .again }
        cursor = start
        address = place
        mustList = false
        mayBeBehind = false
        return .found(SegmentChanges(changes: batch.sorted(), isListing: true), isAll: false)
    }

    /// When to look again if the word doesn't move, as far as can be known without asking the daemon; nil: now.
    func nextLook(in segment: Segment) -> UInt64? {
        guard let registration, !mustList, segment.isUndisturbed(registration) else { return nil }
        do throws(SharedMemError) {
            let sight = try sight(in: segment)
            guard sight.isAtEnd, !sight.isBehind, !sight.isNew, sight.batch.changes.isEmpty else { return nil }
            return SystemClock.monotonic() + Rest.sliceNanoseconds
        } catch {
            return nil
        }
    }
}
