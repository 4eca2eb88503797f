internal import LinuxIPC
internal import SharedMemStore

/// Changes of several keys that happen together or not at all, and what they were decided on.
///
/// Collects in private memory; touches nothing shared and holds no lock until `commit()`, so it may live as long as the
/// program likes. All that it reads is of one moment, or it throws `versionDiffers` at once: code in a transaction never
/// sees half of another one. `Segment.transaction(_:)` begins, commits and repeats one.
public struct Transaction: ~Copyable {
    private let segment: Segment
    /// One entry for each key that was read or is written, in the order of the keys' bytes.
    private var entries: [Entry] = []
    /// The commit number that everything read so far belongs to; nil: nothing was read.
    private var moment: UInt64?
    /// Whether a key has another version than was read or expected.
    private(set) var hasConflict = false
    /// Whether `cancel()` was called.
    private(set) var isCancelled = false

    /// Begins a transaction on `segment`.
    public init(_ segment: Segment) { self.segment = segment }
}

// MARK: - Reading

extension Transaction {
    /// The bytes of the value that `key` has in the transaction; nil: there is no such key.
    ///
    /// What the transaction itself has set, or what the segment has; the commit then checks that it still has it.
    /// Throws `versionDiffers` if something that was read has changed since.
    public mutating func get(_ key: some SegmentKey) throws(SharedMemError) -> [UInt8]? { try current(key)?.bytes }

    /// The value of `key` as a `Value`; as `get(_:)`, and throws `wrongType` if it is tagged with another type.
    public mutating func get<Value: SegmentValue>(
        _ key: some SegmentKey, as type: Value.Type
    ) throws(SharedMemError) -> Value? {
        guard let current = try current(key) else { return nil }
        return try segment.value(current.bytes, current.info)
    }

    /// What a key has now, seen from inside the transaction.
    private mutating func current(_ key: some SegmentKey) throws(SharedMemError) -> CopiedBytes<ValueType>? {
        let index = try index(of: key)
        if let change = entries[index].change {
            return change.value.map { CopiedBytes(bytes: $0, info: ValueType(rawValue: change.options.type)) }
        }
        if entries[index].reading == nil { try read(index) }
        return entries[index].reading?.value
    }

    /// Reads the key of an entry as of the transaction's moment, which becomes a later one if that is possible.
    ///
    /// Model: `many.pml`.
    private mutating func read(_ index: Int) throws(SharedMemError) {
        let entry = entries[index]
        // Each further round needs a change of this very key in between.
        for _ in 0..<Self.roundLimit {
            let wanted = moment
            let found = try segment.withStore { (store) throws(StoreError) in
                try entry.read(asOf: wanted ?? store.moment, in: store)
            }
            if let found {
                moment = found.moment
                try expect(found.version, ofEntry: index)
                entries[index].reading = found
                return
            }
            try moveOn()
        }
        throw SharedMemError(.busy, segment: segment.name)
    }

    /// Makes a later moment the transaction's, if everything that was read is still the same then.
    ///
    /// Model: `many.pml`.
    private mutating func moveOn() throws(SharedMemError) {
        moment = nil
        for index in entries.indices where entries[index].reading != nil {
            entries[index].reading = nil
            try read(index)
        }
    }

    /// Rounds of reading before a transaction gives up.
    private static var roundLimit: Int { 1000 }
}

// MARK: - Writing

extension Transaction {
    /// Sets `key` to `value` when the transaction is committed.
    ///
    /// Throws `versionDiffers` if the options name another version than was read or expected.
    public mutating func set(
        _ key: some SegmentKey, to value: some SegmentValue, _ options: SetOptions = SetOptions()
    ) throws(SharedMemError) {
        let index = try index(of: key)
        if let version = options.ifVersion { try expect(version, ofEntry: index) }
        var resolved = options.resolved(Segment.type(of: value))
        resolved.expectedVersion = nil
        let bytes = value.withValueBytes { value in unsafe value.withUnsafeBytes { unsafe [UInt8]($0) } }
        entries[index].change = TransactionWrite(key: entries[index].key, value: bytes, options: resolved)
    }

    /// Deletes `key` when the transaction is committed; nothing happens if there is none then.
    public mutating func delete(_ key: some SegmentKey) throws(SharedMemError) {
        let index = try index(of: key)
        entries[index].change = TransactionWrite(key: entries[index].key, value: nil)
    }

    /// Lets the commit succeed only if `key` has `version` then; 0: only if it doesn't exist.
    ///
    /// Throws `versionDiffers` if another version was read or expected.
    public mutating func expect(_ version: UInt64, of key: some SegmentKey) throws(SharedMemError) {
        try expect(version, ofEntry: index(of: key))
    }

    /// Lets `Segment.transaction(_:)` write nothing and return what its closure returns.
    public mutating func cancel() { isCancelled = true }

    /// Checks that everything read or expected is still so, does all changes at once, and returns their version.
    ///
    /// Throws `versionDiffers` if something has changed, or what `Segment.set(_:to:)` throws; nothing was written then.
    /// A transaction that changes nothing takes no lock and returns the version of what it has read.
    public consuming func commit() throws(SharedMemError) -> UInt64 { try finish() }

    /// What `commit()` does.
    mutating func finish() throws(SharedMemError) -> UInt64 {
        let writes = entries.compactMap { $0.change }
        if writes.isEmpty {
            for index in entries.indices where entries[index].reading == nil { try read(index) }
            if let moment { return moment }
            return try segment.withStore { store in store.moment }
        }
        let reads = entries.compactMap { entry in
            entry.expected.map { TransactionRead(key: entry.key, version: $0) }
        }
        do throws(SharedMemError) {
            return try segment.writing(stripes: { store in store.stripeBits(of: writes) }) {
                (store, time) throws(StoreError) in
                try store.commit(reads: reads, writes: writes, at: time, bootTime: SystemClock.boottime)
            }
        } catch {
            if error.code == .versionDiffers { hasConflict = true }
            throw error
        }
    }
}

// MARK: - Entries

extension Transaction {
    /// Where the entry of a key is; makes one if there is none.
    private mutating func index(of key: some SegmentKey) throws(SharedMemError) -> Int {
        let key = key.withKeyBytes { key in unsafe key.withUnsafeBytes { unsafe [UInt8]($0) } }
        guard key.count <= Segment.keyLimit else {
            throw SharedMemError(.keyTooLong(key.count), segment: segment.name)
        }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
        }
        if low == entries.count || entries[low].key != key { entries.insert(Entry(key: key), at: low) }
        return low
    }

    /// Notes the version that a key must have; throws if another one is noted.
    private mutating func expect(_ version: UInt64, ofEntry index: Int) throws(SharedMemError) {
        if let expected = entries[index].expected, expected != version {
            hasConflict = true
            throw SharedMemError(.versionDiffers(actual: version), segment: segment.name)
        }
        entries[index].expected = version
    }
}
