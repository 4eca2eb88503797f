import SharedMemStore

/// A generation in private memory of this process, for tests of the format alone.
@safe final class TestSegment {
    let geometry: Geometry
    let data: UnsafeMutableRawPointer
    let lock: UnsafeMutableRawPointer

    init(byteCount: UInt64 = 64 << 10, entryCount: UInt64 = 0) throws {
        geometry = try Geometry(planning: byteCount, entryCount: entryCount)
        unsafe data = Self.zeros(geometry.dataByteCount)
        unsafe lock = Self.zeros(geometry.lockByteCount)
        let identity = Geometry.Identity(segmentID: 7, generation: 1, hashSeed: 0x5eed, createdAt: 1)
        unsafe Store.format(geometry, identity: identity, data: data, lock: lock)
    }

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

    func writer(session: UInt32 = 1) throws -> Store {
        try Store(data: dataBytes, lock: lockBytes, session: session)
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
            let count: Int? = try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
                try unsafe nextKey(after: &cursor, into: buffer)
            }
            guard let count else { return keys }
            keys.append([UInt8](buffer[..<count]))
        }
    }
}
