internal import LinuxIPC
internal import SharedMemStore

extension Segment {
    /// The values of many keys as they were at one moment; nil for a key that didn't exist.
    ///
    /// As if nothing had been written between the first read and the last: of a transaction, all is seen or nothing.
    /// Takes no lock and never waits for a writer, unless writers change these very keys again and again: then a
    /// read-write handle takes the lock word once, and may throw `lockTimeout`; a read-only one throws `busy`. The
    /// memory of the keys is asked for in stages, so that the processor waits for several of them at once.
    public func values(of keys: [some SegmentKey]) throws(SharedMemError) -> [[UInt8]?] {
        try consistent(keys).map { $0?.bytes }
    }

    /// The values of many keys as a `Value` each, as they were at one moment; nil for a key that didn't exist.
    ///
    /// As `values(of:)`; throws `wrongType` if a value is tagged with another type.
    public func values<Value: SegmentValue>(
        of keys: [some SegmentKey], as type: Value.Type
    ) throws(SharedMemError) -> [Value?] {
        var values: [Value?] = []
        values.reserveCapacity(keys.count)
        for found in try consistent(keys) {
            guard let found else {
                values.append(nil)
                continue
            }
            values.append(try value(found.bytes, found.info.type))
        }
        return values
    }

    /// Reads keys until all of them are as they were at one moment.
    ///
    /// Model: `many.pml`.
    private func consistent(_ keys: [some SegmentKey]) throws(SharedMemError) -> [CopiedBytes<ReadValue>?] {
        for _ in 0..<(access == .readWrite ? Self.roundsWithoutLock : Self.roundsReadOnly) {
            let round = try withStore { (store) throws(StoreError) in try Round(keys, in: store) }
            if round.isConsistent { return round.found }
        }
        guard access == .readWrite else { throw SharedMemError(.busy, segment: name) }
        // Under the lock word nothing changes.
        return try writing { (store, _) throws(StoreError) in
            let round = try Round(keys, in: store)
            guard round.isConsistent else { throw .corrupted(.record) }
            return round.found
        }
    }

    /// Rounds of reading before a read-write handle takes the lock word.
    private static var roundsWithoutLock: Int { 8 }

    /// Rounds of reading before a read-only handle gives up.
    private static var roundsReadOnly: Int { 10_000 }
}

/// One attempt to read many keys as of one moment.
private struct Round {
    /// What was found so far.
    private(set) var found: [CopiedBytes<ReadValue>?] = []
    /// Whether no key had changed since the moment; the rest isn't read otherwise.
    private(set) var isConsistent = true

    private let moment: UInt64
    private var hashes: [KeyHash] = []

    /// Keys whose memory is asked for before the first of them is read.
    private static var stageLength: Int { 16 }

    /// Reads `keys`, some at a time.
    init(_ keys: [some SegmentKey], in store: Store) throws(StoreError) {
        // Before anything is looked up.
        moment = store.moment
        found.reserveCapacity(keys.count)
        hashes.reserveCapacity(keys.count)
        var start = 0
        while start < keys.count, isConsistent {
            let end = min(start + Self.stageLength, keys.count)
            prepare(keys[start..<end], in: store)
            for index in start..<end where isConsistent { try read(keys[index], hashes[index], in: store) }
            start = end
        }
    }

    /// Hashes keys and asks for their memory.
    private mutating func prepare(_ keys: ArraySlice<some SegmentKey>, in store: Store) {
        let first = hashes.count
        for key in keys {
            let hash = key.withKeyBytes { key in
                unsafe key.withUnsafeBytes { unsafe KeyHash($0, seed: store.geometry.hashSeed) }
            }
            store.prefetchBucket(hash)
            hashes.append(hash)
        }
        for hash in hashes[first...] { store.prefetchRecord(hash) }
    }

    /// Reads one key.
    ///
    /// Model: `many.pml`.
    private mutating func read(
        _ key: some SegmentKey, _ hash: KeyHash, in store: Store
    ) throws(StoreError) {
        let moment = moment
        let copied = try key.withKeyBytes { (key) throws(StoreError) in
            try CopiedBytes<Sighting>.sighted(key, hash, asOf: moment, in: store)
        }
        let isCommitted: Bool
        switch copied.info {
        case .found(let info, let committed):
            isCommitted = committed
            found.append(info.hasExpired ? nil : CopiedBytes(bytes: copied.bytes, info: ReadValue(info)))
        case .absent(let committed):
            isCommitted = committed
            found.append(nil)
        case .changed:
            isConsistent = false
            return
        }
        // A change that is being committed just now counts, unless this very key was read before it.
        if !isCommitted, hashes[..<(found.count - 1)].contains(hash) { isConsistent = false }
    }
}
