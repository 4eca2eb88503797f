internal import SharedMemStore

/// A generation in memory of this process alone.
@safe final class PrivateSegment {
    /// Its only writer.
    let store: Store
    private let data: UnsafeMutableRawPointer
    private let lock: UnsafeMutableRawPointer

    /// Makes a generation whose data file has `byteCount` bytes and whose index is made for `entryCount` keys.
    init(byteCount: UInt64, entryCount: UInt64) throws(StoreError) {
        let geometry = try Geometry(planning: byteCount, entryCount: entryCount)
        let data = unsafe Self.zeros(geometry.dataByteCount)
        let lock = unsafe Self.zeros(geometry.lockByteCount)
        unsafe Store.format(
            geometry, identity: Geometry.Identity(segmentID: 1, generation: 1, hashSeed: 0x5eed, createdAt: 1),
            data: data, lock: lock)
        store = try Store(
            data: unsafe SharedBytes(data, byteCount: geometry.dataByteCount),
            lock: unsafe SharedBytes(lock, byteCount: geometry.lockByteCount), session: 1)
        unsafe self.data = unsafe data
        unsafe self.lock = unsafe lock
    }

    deinit {
        unsafe data.deallocate()
        unsafe lock.deallocate()
    }

    private static func zeros(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        return unsafe memory
    }

    /// Runs `body` as the owner of the lock word.
    func writing<Result>(_ body: (Store) throws(StoreError) -> Result) throws(StoreError) -> Result {
        precondition(store.tryLock(at: 1) == 0, "nobody else writes here")
        defer { precondition(store.unlock() == .quietly, "nobody else writes here") }
        return try body(store)
    }
}
