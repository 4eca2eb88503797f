import SharedMemStore

/// A generation in private memory of this process, for tests of the format alone.
@safe final class TestSegment {
    let geometry: Geometry
    let data: UnsafeMutableRawPointer
    let lock: UnsafeMutableRawPointer

    convenience init(byteCount: UInt64 = 64 << 10, entryCount: UInt64 = 0) throws {
        try self.init(Geometry(planning: byteCount, entryCount: entryCount))
    }

    init(_ geometry: Geometry, generation: UInt64 = 1, hashSeed: UInt64 = 0x5eed) {
        self.geometry = geometry
        unsafe data = Self.zeros(geometry.dataByteCount)
        unsafe lock = Self.zeros(geometry.lockByteCount)
        let identity = Geometry.Identity(segmentID: 7, generation: generation, hashSeed: hashSeed, createdAt: 1)
        unsafe Store.format(geometry, identity: identity, data: data, lock: lock)
    }

    /// Both files as they are at one moment.
    struct Image {
        let geometry: Geometry
        let data: [UInt8]
        let lock: [UInt8]
    }

    /// A segment whose files begin as `image`.
    init(_ image: Image) {
        geometry = image.geometry
        unsafe data = Self.copy(image.data)
        unsafe lock = Self.copy(image.lock)
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4096)
        unsafe memory.copyBytes(from: bytes)
        guard let start = memory.baseAddress else { preconditionFailure("a file has bytes") }
        return unsafe start
    }

    var image: Image {
        unsafe Image(
            geometry: geometry, data: [UInt8](UnsafeRawBufferPointer(start: data, count: geometry.dataByteCount)),
            lock: [UInt8](UnsafeRawBufferPointer(start: lock, count: geometry.lockByteCount)))
    }

    /// Makes recorded stores again.
    func apply(_ steps: ArraySlice<StoreRecorder.Step>) {
        for step in steps {
            let bytes = step.isLock ? lockBytes : dataBytes
            if step.byteCount == 8 {
                bytes.store(step.value, step.offset)
            } else {
                bytes.store32(UInt32(step.value), step.offset)
            }
        }
    }

    /// Takes the lock word from an owner that is gone.
    func freeLock() { lockBytes.store32(0, Store.lockWordOffset) }

    private static func zeros(_ count: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 4096)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        return unsafe memory
    }

    deinit {
        unsafe data.deallocate()
        unsafe lock.deallocate()
    }

    var dataBytes: SharedBytes { unsafe SharedBytes(data, byteCount: geometry.dataByteCount) }
    var lockBytes: SharedBytes { unsafe SharedBytes(lock, byteCount: geometry.lockByteCount) }

    func writer(session: UInt32 = 1, recorder: StoreRecorder? = nil, fault: SeededFault? = nil) throws -> Store {
        var data = dataBytes
        var lock = lockBytes
        data.recorder = recorder
        lock.recorder = recorder
        lock.isLock = true
        var store = try Store(data: data, lock: lock, session: session)
        store.seededFault = fault
        return store
    }

    func reader() throws -> Store { try Store(readOnly: dataBytes) }
}

/// The store's operations on arrays, under the lock where they need it.
extension Store {
    func value(_ key: [UInt8], capacity: Int = 1 << 20) throws(StoreError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0xee, count: capacity)
        let info: ValueInfo? = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            var target = buffer.mutableSpan
            return try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
                try unsafe get(key, into: buffer)
            }
        }
        guard let info else { return nil }
        return [UInt8](buffer[..<info.byteCount])
    }

    @discardableResult
    func put(_ key: [UInt8], _ value: [UInt8], at time: UInt64 = 1) throws(StoreError) -> UInt64 {
        precondition(tryLock(at: time) == 0, "the lock is free")
        defer { precondition(unlock() == .quietly, "the lock is still ours") }
        return try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                try unsafe set(key, to: value, at: time)
            }
        }
    }

    /// Sets in the short way, which must apply.
    func plainPut(_ key: [UInt8], _ value: [UInt8]) {
        let store = self
        let plain = unsafe withUnsafePointer(to: store) { store in
            unsafe key.span.bytes.withUnsafeBytes { key in
                unsafe value.span.bytes.withUnsafeBytes { value in
                    unsafe Store.plainSet(store, key, hint: 0, to: value, type: 0, at: 1)
                }
            }
        }
        precondition(plain.version == commitNumber && !plain.audience.contains(.writers), "the set is a plain one")
    }

    @discardableResult
    func transact(
        reads: [TransactionRead] = [], _ writes: [([UInt8], [UInt8]?)]
    ) throws(StoreError) -> UInt64 {
        precondition(tryLock(at: 1) == 0, "the lock is free")
        defer { precondition(unlock() == .quietly, "the lock is still ours") }
        let writes = writes.map { TransactionWrite(key: $0.0, value: $0.1) }
        return try commit(reads: reads, writes: writes, at: 1, bootTime: { 0 })
    }

    @discardableResult
    func increment(_ key: [UInt8], by delta: Int64, bootTime: UInt64 = 0) throws(StoreError) -> Int64 {
        precondition(tryLock(at: 1) == 0, "the lock is free")
        defer { precondition(unlock() == .quietly, "the lock is still ours") }
        return try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe add(delta, to: key, at: 1, bootTime: { bootTime })
        }
    }

    @discardableResult
    func put(
        _ key: [UInt8], _ value: [UInt8], _ options: SetOptions, bootTime: UInt64 = 0
    ) throws(StoreError) -> UInt64 {
        precondition(tryLock(at: 1) == 0, "the lock is free")
        defer { precondition(unlock() == .quietly, "the lock is still ours") }
        return try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                try unsafe set(key, to: value, at: 1, options, bootTime: { bootTime })
            }
        }
    }

    func info(_ key: [UInt8]) throws(StoreError) -> ValueInfo? {
        try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe info(of: key, KeyHash(key, seed: geometry.hashSeed))
        }
    }

    /// Deletes the keys that have expired at `bootTime`.
    func sweep(at bootTime: UInt64) throws(StoreError) {
        for key in try keys() {
            precondition(tryLock(at: 1) == 0, "the lock is free")
            defer { precondition(unlock() == .quietly, "the lock is still ours") }
            _ = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe deleteIfExpired(key, bootTime: bootTime)
            }
        }
    }

    @discardableResult
    func remove(_ key: [UInt8]) throws(StoreError) -> UInt64? {
        precondition(tryLock(at: 1) == 0, "the lock is free")
        defer { precondition(unlock() == .quietly, "the lock is still ours") }
        return try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in try unsafe delete(key) }
    }

    func keys() throws(StoreError) -> [[UInt8]] {
        var cursor: UInt64 = 0
        var keys: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while true {
            var target = buffer.mutableSpan
            let info: KeyInfo? = try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
                try unsafe nextKey(after: &cursor, into: buffer)
            }
            guard let info else { return keys }
            keys.append([UInt8](buffer[..<info.byteCount]))
        }
    }
}
