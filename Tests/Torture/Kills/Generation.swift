internal import LinuxIPC
internal import SharedMemStore

/// A generation's memory files, made without a daemon.
struct Generation: ~Copyable {
    private let data: MemoryFile
    private let readableData: MemoryFile
    private let lock: MemoryFile
    private let geometry: Geometry

    private init(_ geometry: Geometry, data: consuming MemoryFile, lock: consuming MemoryFile) throws(Errno) {
        self.geometry = geometry
        readableData = try data.reopenedReadOnly()
        self.data = data
        self.lock = lock
    }

    /// Makes an empty generation whose data file has `byteCount` bytes.
    static func make(byteCount: UInt64) throws -> Generation {
        let geometry = try Geometry(planning: byteCount, entryCount: 64)
        let data = try file("kills-data", byteCount: geometry.dataByteCount)
        let lock = try file("kills-lock", byteCount: geometry.lockByteCount)
        let dataMapping = try Mapping(
            of: data, byteCount: geometry.dataByteCount, access: .readWrite, isPrivateToProcess: true)
        let lockMapping = try Mapping(
            of: lock, byteCount: geometry.lockByteCount, access: .readWrite, isPrivateToProcess: true)
        let identity = Geometry.Identity(
            segmentID: 1, generation: 1, hashSeed: 0x5eed, createdAt: SystemClock.realtime())
        unsafe Store.format(geometry, identity: identity, data: dataMapping.baseAddress, lock: lockMapping.baseAddress)
        return try Generation(geometry, data: data, lock: lock)
    }

    private static func file(_ label: String, byteCount: Int) throws(Errno) -> MemoryFile {
        let file = try MemoryFile.create(label: label)
        try file.reserve(byteCount: byteCount)
        try file.seal()
        return file
    }

    /// Maps both files into the calling process, for a writer with this session id.
    borrowing func attach(session: UInt32) throws -> WritableAttachment {
        let data = try Mapping(
            of: data, byteCount: geometry.dataByteCount, access: .readWrite, isPrivateToProcess: true)
        let lock = try Mapping(
            of: lock, byteCount: geometry.lockByteCount, access: .readWrite, isPrivateToProcess: true)
        return try WritableAttachment(data: data, lock: lock, session: session)
    }

    /// Maps the data file into the calling process, for a reader.
    borrowing func attachReadOnly() throws -> ReadOnlyAttachment {
        try ReadOnlyAttachment(
            data: Mapping(
                of: readableData, byteCount: geometry.dataByteCount, access: .readOnly, isPrivateToProcess: true))
    }
}

/// A generation as a reader has it mapped.
final class ReadOnlyAttachment {
    private let data: Mapping
    /// The operations; as long as this object lives.
    let store: Store

    init(data: consuming Mapping) throws {
        store = try Store(readOnly: unsafe SharedBytes(data.baseAddress, byteCount: data.byteCount))
        self.data = data
    }
}

/// A generation as a writer has it mapped.
final class WritableAttachment {
    private let data: Mapping
    private let lock: Mapping
    /// The operations; as long as this object lives.
    let store: Store

    init(data: consuming Mapping, lock: consuming Mapping, session: UInt32) throws {
        store = try Store(
            data: unsafe SharedBytes(data.baseAddress, byteCount: data.byteCount),
            lock: unsafe SharedBytes(lock.baseAddress, byteCount: lock.byteCount), session: session)
        self.data = data
        self.lock = lock
    }

    /// Spins that are tried before a writer sleeps, and the longest sleep: as `Segment` has them.
    private static let spinLimit = 100
    private static let sliceNanoseconds: UInt64 = 1_000_000_000
    private static let patienceNanoseconds: UInt64 = 60_000_000_000

    /// Runs `body` as the owner of the lock word, as `Segment` does it.
    func writing<Result>(
        _ body: (borrowing Store, _ time: UInt64) throws(StoreError) -> Result
    ) throws(Wrong) -> Result {
        let time = SystemClock.realtimeCoarse()
        if store.tryLock(at: time) != 0 { try waitForLock() }
        let result: Result
        do throws(StoreError) {
            result = try body(store, time)
        } catch {
            throw Wrong(description: error.description)
        }
        switch store.unlock() {
        case .quietly: break
        case .withWaiters: lock.wake(at: Store.lockWordOffset, count: 1)
        case .lost: throw Wrong(description: "the lock word was taken away from a living writer")
        }
        return result
    }

    /// Sets in the short way if it applies, as `Segment` does it, and returns the version; 0: it doesn't.
    func plainSet(_ key: [UInt8], to value: RawSpan) -> UInt64 {
        let plain = unsafe withUnsafePointer(to: store) { store in
            unsafe key.span.bytes.withUnsafeBytes { key in
                unsafe value.withUnsafeBytes { value in
                    unsafe Store.plainSet(
                        store, key, hint: 0, to: value, type: 0, at: SystemClock.realtimeCoarse())
                }
            }
        }
        if plain.audience.contains(.writers) { lock.wake(at: Store.lockWordOffset, count: 1) }
        return plain.slotOffset == 0 ? 0 : plain.version
    }

    private func waitForLock() throws(Wrong) {
        for _ in 0..<Self.spinLimit {
            SpinHint.pause()
            if store.lockWord == 0, store.tryLock(at: SystemClock.realtimeCoarse()) == 0 { return }
        }
        let start = SystemClock.monotonic()
        while true {
            let found = store.tryLock(at: SystemClock.realtimeCoarse(), afterWaiting: true)
            if found == 0 { return }
            guard SystemClock.monotonic() - start < Self.patienceNanoseconds else {
                throw Wrong(description: "session \(Store.owner(of: found)) has held the lock word for a minute")
            }
            if store.announceWaiter(seeing: found) {
                _ = lock.wait(
                    at: Store.lockWordOffset, while: found | Store.waitersBit, nanoseconds: Self.sliceNanoseconds)
            }
        }
    }

    /// Wakes everybody who sleeps on the lock word.
    func wakeLockWaiters() { lock.wake(at: Store.lockWordOffset, count: .max) }
}
