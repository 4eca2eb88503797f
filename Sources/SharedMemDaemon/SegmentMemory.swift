internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore
internal import Synchronization

/// The memory files of one generation of a segment; closing them gives the memory back when nobody has it mapped.
final class SegmentMemory: Sendable {
    /// The segment's id.
    let segmentID: UInt64
    /// Which of the segment's generations, counted from 1.
    let generation: UInt64
    /// The data file, writable.
    let data: MemoryFile
    /// The same file, opened read-only: what readers get.
    let readOnlyData: MemoryFile
    /// The lock file.
    let lock: MemoryFile
    /// When it was made: ns since the epoch.
    let createdAt: UInt64
    /// What changes.
    private let state: Mutex<State>

    private struct State {
        /// Where everything is, by the daemon's own knowledge.
        var geometry: Geometry
        /// The daemon's mapping; nil: it wasn't needed yet.
        var mapping: SegmentMapping?
    }

    /// Makes the files, reserves and formats them; may take a second for each GiB.
    init(segmentID: UInt64, definition: SegmentDefinition, generation: UInt64 = 1) throws(Failure) {
        var geometry: Geometry
        do throws(StoreError) {
            geometry = try Geometry(planning: definition.byteCount, entryCount: definition.entryCount)
        } catch {
            throw Failure(errno: .invalidArgument, reason: "\(error)")
        }
        let identity = Geometry.Identity(
            segmentID: segmentID, generation: generation, hashSeed: .random(in: 0 ... .max),
            createdAt: SystemClock.realtime())
        geometry.hashSeed = identity.hashSeed
        do throws(Errno) {
            let data = try MemoryFile.create(label: "sharedmem:\(definition.name)")
            let lock = try MemoryFile.create(label: "sharedmem-lock:\(definition.name)")
            try data.reserve(byteCount: geometry.dataByteCount)
            try lock.reserve(byteCount: geometry.lockByteCount)
            try SegmentMapping(data: data, geometry.dataByteCount, lock: lock, geometry.lockByteCount)
                .format(geometry, identity)
            try data.seal()
            try lock.seal()
            self.readOnlyData = try data.reopenedReadOnly()
            self.data = data
            self.lock = lock
        } catch {
            throw Failure(errno: error, reason: "\(error)")
        }
        self.segmentID = segmentID
        self.generation = generation
        createdAt = identity.createdAt
        state = Mutex(State(geometry: geometry, mapping: nil))
    }

    /// Takes files over that an earlier daemon made, after a look whether they are what they should be.
    init(
        adopting data: consuming MemoryFile, lock: consuming MemoryFile, segmentID: UInt64, generation: UInt64
    ) throws(Failure) {
        let files: Files
        do throws(Errno) {
            files = try Files(data, lock)
        } catch {
            throw Failure(errno: error, reason: "\(error)")
        }
        guard files.areSealed else {
            throw Failure(
                errno: .notPermitted, reason: "the size of a file can still change, expected two sealed memory files")
        }
        let store: Store
        do throws(StoreError) {
            store = try Store(data: files.mapping.dataBytes, lock: files.mapping.lockBytes, session: 1)
        } catch {
            throw Failure(errno: .structureNeedsCleaning, reason: "\(error)")
        }
        let geometry = store.geometry
        guard geometry.dataByteCount == files.dataByteCount, geometry.lockByteCount == files.lockByteCount else {
            throw Failure(
                errno: .structureNeedsCleaning,
                reason: "the files have \(files.dataByteCount) and \(files.lockByteCount) bytes, their header says "
                    + "\(geometry.dataByteCount) and \(geometry.lockByteCount)")
        }
        let identity = store.identity
        guard identity.segmentID == segmentID, identity.generation == generation else {
            throw Failure(
                errno: .structureNeedsCleaning,
                reason:
                    "the files are segment \(identity.segmentID), generation \(identity.generation), expected segment "
                    + "\(segmentID), generation \(generation)")
        }
        do throws(Errno) {
            readOnlyData = try data.reopenedReadOnly()
        } catch {
            throw Failure(errno: error, reason: "\(error)")
        }
        self.data = data
        self.lock = lock
        self.segmentID = segmentID
        self.generation = generation
        createdAt = identity.createdAt
        state = Mutex(State(geometry: geometry, mapping: files.mapping))
    }

    /// What the kernel says of files that are to be adopted, and their mapping.
    private struct Files {
        let dataByteCount: Int
        let lockByteCount: Int
        let areSealed: Bool
        let mapping: SegmentMapping

        init(_ data: borrowing MemoryFile, _ lock: borrowing MemoryFile) throws(Errno) {
            let isDataSealed = try data.isSealed()
            areSealed = try lock.isSealed() && isDataSealed
            dataByteCount = try data.byteCount()
            lockByteCount = try lock.byteCount()
            mapping = try SegmentMapping(data: data, dataByteCount, lock: lock, lockByteCount)
        }
    }

    /// Why the files can't be made, taken over or used.
    struct Failure: Error, Sendable {
        /// The system's reason.
        let errno: Errno
        /// A sentence without a full stop.
        let reason: String
    }
}

// MARK: - What is in the files

extension SegmentMemory {
    /// Where everything is, by the daemon's own knowledge.
    var geometry: Geometry { state.withLock { $0.geometry } }

    /// Notes another seed of the index's hash; only before anybody else has the files.
    func replace(_ geometry: Geometry) { state.withLock { $0.geometry = geometry } }

    /// Bytes of the data file.
    var dataByteCount: Int { geometry.dataByteCount }

    /// Bytes of the lock file.
    var lockByteCount: Int { geometry.lockByteCount }

    /// The daemon's mapping of the files, made when it's first needed.
    func mapping() throws(Failure) -> SegmentMapping {
        do throws(Errno) {
            return try state.withLock { (state) throws(Errno) in
                if let known = state.mapping { return known }
                let made = try SegmentMapping(
                    data: data, state.geometry.dataByteCount, lock: lock, state.geometry.lockByteCount)
                state.mapping = made
                return made
            }
        } catch {
            throw Failure(errno: error, reason: "the segment's files can't be mapped: \(error)")
        }
    }

    /// Whether the files have lost pages that the daemon touched.
    var isDamaged: Bool { state.withLock { $0.mapping?.isDamaged ?? false } }

    /// Runs `body` with the generation as the daemon sees it; `session` marks the pins it sets.
    func withStore<Result>(
        session: UInt32 = 1, _ body: (Store, SegmentMapping) throws(StoreError) -> Result
    ) throws(Failure) -> Result {
        let mapping = try mapping()
        let store = Store(trusting: geometry, data: mapping.dataBytes, lock: mapping.lockBytes, session: session)
        do throws(StoreError) {
            return try body(store, mapping)
        } catch {
            throw Failure(errno: .structureNeedsCleaning, reason: "\(error)")
        }
    }
}
