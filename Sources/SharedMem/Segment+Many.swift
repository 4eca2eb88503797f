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

    /// Copies the values of many keys as they were at one moment into `buffer`, and returns what was read of each; nil
    /// for a key that didn't exist.
    ///
    /// The value of the nth key begins at n times `stride` bytes. As `values(of:)`, without an array for each value.
    /// Throws `bufferTooSmall` if a value has more than `stride` bytes; `needed` is its length. Traps if `buffer` has
    /// fewer than `stride` bytes for each key.
    @inlinable
    public func get(
        _ keys: [some SegmentKey], into buffer: UnsafeMutableRawBufferPointer, stride: Int
    ) throws(SharedMemError) -> [ReadValue?] {
        try unsafe parts(keys.count, { unsafe Self.copy(keys[$0], to: $1) }, buffer, stride: stride)
    }

    /// The same for keys that `copyKey` copies.
    @usableFromInline
    func parts(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int, _ buffer: UnsafeMutableRawBufferPointer,
        stride: Int
    ) throws(SharedMemError) -> [ReadValue?] {
        precondition(
            stride >= 0 && (count == 0 || stride <= buffer.count / count), "a part of the buffer for each key")
        return try unsafe consistent { store throws(StoreError) in
            try unsafe Self.round(count, copyKey, store, buffer, stride: stride)
        }
    }

    /// The values of keys that `copyKey` copies.
    @usableFromInline
    func arrays(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int
    ) throws(SharedMemError) -> [[UInt8]?] {
        try unsafe items(count, copyKey) { value, _ in unsafe [UInt8](value) }
    }

    /// The values of many keys as a `Value` each, as they were at one moment; nil for a key that didn't exist.
    ///
    /// As `values(of:)`; throws `wrongType` if a value is tagged with another type.
    public func values<Value: SegmentValue>(
        of keys: [some SegmentKey], as type: Value.Type
    ) throws(SharedMemError) -> [Value?] {
        let copies = try unsafe items(keys.count, { unsafe Self.copy(keys[$0], to: $1) }) { value, type in
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
    private func items<Item>(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int,
        _ make: (UnsafeRawBufferPointer, ValueType) -> Item
    ) throws(SharedMemError) -> [Item?] {
        try unsafe consistent { store throws(StoreError) in try unsafe Self.round(count, copyKey, store, make) }
    }

    /// Runs `round` until it has read what was so at one moment: it returns nil if a key has changed since it began.
    ///
    /// Model: `many.pml`.
    private func consistent<Item>(
        _ round: (UnsafePointer<Store>) throws(StoreError) -> [Item?]?
    ) throws(SharedMemError) -> [Item?] {
        for _ in 0..<(access == .readWrite ? Self.roundsWithoutLock : Self.roundsReadOnly) {
            let found: [Item?]? = try unsafe withView { (view) throws(StoreError) in
                try unsafe round(AttachedStore.View.store(view))
            }
            if let found { return found }
        }
        guard access == .readWrite else { throw SharedMemError(.busy, segment: name) }
        // Under the lock word nothing changes.
        return try writing(stripes: { _ in 0 }) { (store, _) throws(StoreError) in
            var own = copy store
            let found = try unsafe withUnsafePointer(to: &own) { (store) throws(StoreError) in try unsafe round(store) }
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
        let room = unsafe stage.room
        var found: [Item?] = []
        found.reserveCapacity(count)
        while found.count < count {
            unsafe stage.prepare(found.count..<min(found.count + Stage.length, count), copyKey)
            for index in 0..<stage.count {
                switch try unsafe stage.read(index, copyKey, into: room, wasAbsent: { found[$0] == nil }) {
                case .value(let value):
                    unsafe found.append(make(UnsafeRawBufferPointer(rebasing: room[..<value.byteCount]), value.type))
                case .large(let copied):
                    unsafe found.append(copied.bytes.withUnsafeBytes { unsafe make($0, copied.info.type) })
                case .absent: found.append(nil)
                case .changed: return nil
                }
            }
        }
        return found
    }

    /// The same, with each value in its part of `buffer`.
    private static func round(
        _ count: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int, _ store: UnsafePointer<Store>,
        _ buffer: UnsafeMutableRawBufferPointer, stride: Int
    ) throws(StoreError) -> [ReadValue?]? {
        var stage = unsafe Stage(store)
        defer { stage.deallocate() }
        var found: [ReadValue?] = []
        found.reserveCapacity(count)
        while found.count < count {
            unsafe stage.prepare(found.count..<min(found.count + Stage.length, count), copyKey)
            for index in 0..<stage.count {
                let part = unsafe UnsafeMutableRawBufferPointer(
                    start: buffer.baseAddress.map { unsafe $0 + found.count &* stride }, count: stride)
                switch try unsafe stage.read(index, copyKey, into: part, wasAbsent: { found[$0] == nil }) {
                case .value(let value): found.append(value)
                case .large(let copied):
                    guard copied.bytes.count <= stride else { throw .bufferTooSmall(needed: copied.bytes.count) }
                    unsafe part.copyBytes(from: copied.bytes)
                    found.append(copied.info)
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

    /// Bytes of the values that fit into `room`.
    private static var valueCapacity: Int { 256 }

    /// What a key has.
    enum Sight {
        /// A value, which was copied into the buffer.
        case value(ReadValue)
        /// A value that took more than a plain read, or was too large for the buffer.
        case large(CopiedBytes<ReadValue>)
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

    /// Room for one value, unless it is large.
    @unsafe var room: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: memory, count: Self.valueCapacity)
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

    /// Reads one of the keys into `buffer`; `wasAbsent` tells what was found of an earlier one.
    ///
    /// Model: `many.pml`.
    mutating func read(
        _ index: Int, _ copyKey: (Int, UnsafeMutableRawBufferPointer) -> Int,
        into buffer: UnsafeMutableRawBufferPointer,
        wasAbsent: (Int) -> Bool
    ) throws(StoreError) -> Sight {
        // No key is longer than there is room for.
        if unsafe keys[index].byteCount < 0 { return .absent }
        let plain = unsafe Store.plainGet(store, key(index), keys[index].hash, into: buffer)
        if plain.type >= 0, plain.version <= moment {
            return .value(ReadValue(plain))
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
            return .large(CopiedBytes(bytes: copied.bytes, info: ReadValue(info)))
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
