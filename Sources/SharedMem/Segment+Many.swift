internal import LinuxIPC
internal import SharedMemStore

extension Segment {
    /// The values of many keys as they were at one moment; nil for a key that didn't exist.
    ///
    /// As if nothing had been written between the first read and the last: of a transaction, all is seen or nothing.
    /// Takes no lock and never waits for a writer, unless writers change these very keys again and again: then a
    /// read-write handle takes the lock word once, and may throw `lockTimeout`; a read-only one throws `busy`. The
    /// memory of the keys is asked for in stages, so that the processor waits for several of them at once.
    @inlinable
    public func values(of keys: [some SegmentKey]) throws(SharedMemError) -> [[UInt8]?] {
        try unsafe arrays(keys.count) { unsafe Self.copy(keys[$0], to: $1) }
    }

    /// The values of keys that `copyKey` copies.
    @usableFromInline
    func arrays(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int
    ) throws(SharedMemError) -> [[UInt8]?] {
        try unsafe consistent(count, copyKey) { value, _ in unsafe [UInt8](value) }
    }

    /// The values of many keys as a `Value` each, as they were at one moment; nil for a key that didn't exist.
    ///
    /// As `values(of:)`; throws `wrongType` if a value is tagged with another type.
    public func values<Value: SegmentValue>(
        of keys: [some SegmentKey], as type: Value.Type
    ) throws(SharedMemError) -> [Value?] {
        let copies = try unsafe consistent(keys.count, { unsafe Self.copy(keys[$0], to: $1) }) { value, type in
            CopiedBytes(bytes: unsafe [UInt8](value), info: type)
        }
        var values: [Value?] = []
        values.reserveCapacity(keys.count)
        for found in copies {
            guard let found else {
                values.append(nil)
                continue
            }
            values.append(try value(found.bytes, found.info))
        }
        return values
    }

    /// Copies a key's bytes and says how many there are; -1: more than the buffer has.
    ///
    /// All that is done with keys of a foreign type: the rest needn't be compiled for each type to be fast.
    @inlinable
    static func copy(_ key: some SegmentKey, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        key.withKeyBytes { key in
            guard key.byteCount <= buffer.count else { return -1 }
            unsafe key.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
            return key.byteCount
        }
    }

    /// Reads `count` keys until all of them are as they were at one moment; `make` makes an item of a value's bytes and
    /// its type.
    ///
    /// Model: `many.pml`.
    private func consistent<Item>(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int,
        _ make: (UnsafeRawBufferPointer, ValueType) -> Item
    ) throws(SharedMemError) -> [Item?] {
        for _ in 0..<(access == .readWrite ? Self.roundsWithoutLock : Self.roundsReadOnly) {
            let found: [Item?]? = try unsafe withView { (view) throws(StoreError) in
                try unsafe Self.round(count, copyKey, AttachedStore.View.store(view), make)
            }
            if let found { return found }
        }
        guard access == .readWrite else { throw SharedMemError(.busy, segment: name) }
        // Under the lock word nothing changes.
        return try writing { (store, _) throws(StoreError) in
            var own = copy store
            let found = try unsafe withUnsafePointer(to: &own) { (store) throws(StoreError) in
                try unsafe Self.round(count, copyKey, store, make)
            }
            guard let found else { throw .corrupted(.record) }
            return found
        }
    }

    /// One attempt to read many keys as of one moment; nil: a key has changed since it began.
    private static func round<Item>(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int, _ store: UnsafePointer<Store>,
        _ make: (UnsafeRawBufferPointer, ValueType) -> Item
    ) throws(StoreError) -> [Item?]? {
        var stage = unsafe Stage(store)
        defer { stage.deallocate() }
        var found: [Item?] = []
        found.reserveCapacity(count)
        while found.count < count {
            unsafe stage.prepare(found.count..<min(found.count + Stage.length, count), copyKey)
            for index in 0..<stage.count {
                switch try unsafe stage.read(index, copyKey, wasAbsent: { found[$0] == nil }) {
                case .value(let byteCount, let type): unsafe found.append(make(stage.value(byteCount), type))
                case .large(let copied):
                    unsafe found.append(copied.bytes.withUnsafeBytes { unsafe make($0, copied.info) })
                case .absent: found.append(nil)
                case .changed: return nil
                }
            }
        }
        return found
    }

    /// Rounds of reading before a read-write handle takes the lock word.
    private static var roundsWithoutLock: Int { 8 }

    /// Rounds of reading before a read-only handle gives up.
    private static var roundsReadOnly: Int { 10_000 }
}

/// Some of many keys: their memory is asked for before the first of them is read.
@safe
private struct Stage {
    /// Keys at most.
    static var length: Int { 16 }

    /// Bytes of the values that need no array to be read into.
    private static var valueCapacity: Int { 256 }

    /// What a key has.
    enum Sight {
        /// A value, which is in the stage's memory.
        case value(byteCount: Int, ValueType)
        /// A value that was too large for that.
        case large(CopiedBytes<ValueType>)
        case absent
        case changed
    }

    /// One key of the stage.
    private struct Prepared {
        let hash: KeyHash
        let byteCount: Int
    }

    private let store: UnsafePointer<Store>
    /// The commit number that all values are as of, loaded before anything was looked up.
    private let moment: UInt64
    /// Room for a value, then for the keys, `Segment.keyLimit` bytes each.
    private let memory: UnsafeMutablePointer<UInt8>
    private let keys: UnsafeMutablePointer<Prepared>
    private var first = 0
    /// The key whose change was met while it was being committed, if one was.
    private var counted: KeyHash?
    /// How many keys there are now.
    private(set) var count = 0

    init(_ store: UnsafePointer<Store>) {
        unsafe self.store = store
        moment = unsafe store.pointee.moment
        unsafe memory = .allocate(capacity: Self.valueCapacity + Self.length * Segment.keyLimit)
        unsafe keys = .allocate(capacity: Self.length)
    }

    func deallocate() {
        unsafe memory.deallocate()
        unsafe keys.deallocate()
    }

    /// The bytes of the value that was read last.
    func value(_ byteCount: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: memory, count: byteCount)
    }

    private func room(forKey index: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: memory + Self.valueCapacity + index * Segment.keyLimit, count: Segment.keyLimit)
    }

    private func key(_ index: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: room(forKey: index)[..<keys[index].byteCount])
    }

    /// Takes the keys of `indices`, at most `length`, and asks for their memory.
    mutating func prepare(_ indices: Range<Int>, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int) {
        first = indices.lowerBound
        count = indices.count
        for index in 0..<count {
            let prepared = unsafe hashed(first + index, copyKey, room(forKey: index))
            unsafe store.pointee.prefetchBucket(prepared.hash)
            unsafe (keys + index).initialize(to: prepared)
        }
        for index in 0..<count { unsafe store.pointee.prefetchRecord(keys[index].hash) }
    }

    private func hashed(
        _ index: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int, _ room: UnsafeMutableRawBufferPointer
    ) -> Prepared {
        let byteCount = unsafe copyKey(index, room)
        let key = unsafe UnsafeRawBufferPointer(rebasing: room[..<max(byteCount, 0)])
        return unsafe Prepared(hash: KeyHash(key, seed: store.pointee.geometry.hashSeed), byteCount: byteCount)
    }

    /// Reads one of the keys; `wasAbsent` tells what was found of an earlier one.
    ///
    /// Model: `many.pml`.
    mutating func read(
        _ index: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int, wasAbsent: (Int) -> Bool
    ) throws(StoreError) -> Sight {
        // No key is longer than there is room for.
        if unsafe keys[index].byteCount < 0 { return .absent }
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: memory, count: Self.valueCapacity)
        let plain = unsafe Store.plainGet(store, key(index), keys[index].hash, into: buffer)
        if plain.type >= 0, plain.version <= moment {
            return .value(byteCount: plain.byteCount, ValueType(rawValue: UInt8(truncatingIfNeeded: plain.type)))
        }
        return try unsafe readAnywhere(index, copyKey, wasAbsent)
    }

    /// Reads a key in whatever state it is.
    @inline(never)
    private mutating func readAnywhere(
        _ index: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int, _ wasAbsent: (Int) -> Bool
    ) throws(StoreError) -> Sight {
        let hash = unsafe keys[index].hash
        let copied = try unsafe CopiedBytes<Sighting>.sighted(key(index).bytes, hash, asOf: moment, in: store.pointee)
        switch copied.info {
        case .found(let info, let isCommitted):
            guard isCommitted || (unsafe counts(index, hash, copyKey) { _ in false }) else { return .changed }
            if info.hasExpired { return .absent }
            return .large(CopiedBytes(bytes: copied.bytes, info: ValueType(rawValue: info.type)))
        case .absent(let isCommitted):
            return isCommitted || (unsafe counts(index, hash, copyKey, wasAbsent)) ? .absent : .changed
        case .changed: return .changed
        }
    }

    /// Whether a change that is being committed just now counts: unless the key was read before and was something else.
    ///
    /// `wasTheSame` says so of a key that was read before the change was met.
    ///
    /// Model: `many.pml`.
    private mutating func counts(
        _ index: Int, _ hash: KeyHash, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int,
        _ wasTheSame: (Int) -> Bool
    ) -> Bool {
        // It's the moment's successor, so there is one at most.
        if hash == counted { return true }
        for earlier in 0..<index where unsafe keys[earlier].hash == hash && !wasTheSame(first + earlier) {
            return false
        }
        if first > 0 {
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Segment.keyLimit, alignment: 8)
            defer { unsafe room.deallocate() }
            for earlier in 0..<first where unsafe hashed(earlier, copyKey, room).hash == hash && !wasTheSame(earlier) {
                return false
            }
        }
        counted = hash
        return true
    }
}
