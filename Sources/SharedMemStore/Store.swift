public import CSharedMem

/// One generation of a segment, mapped: the operations on its memory.
///
/// A value of private fields; it owns nothing.
/// Layers: `Store+Read` and `Store+Write` are what clients call; they use the index (`Store+Index`), the heap
/// (`Store+Heap`), limbo (`Store+Limbo`) and the lock word (`Store+Lock`). No system call is made here: who has to wait
/// is told so.
@usableFromInline
package struct Store: Sendable {
    /// The data file.
    @usableFromInline
    package let data: SharedBytes
    /// The lock file; the data file again, never touched, in a read-only store.
    @usableFromInline
    package let lock: SharedBytes
    /// Where everything is.
    @usableFromInline
    package let geometry: Geometry
    /// What this process puts into the lock word; 0 in a read-only store.
    @usableFromInline
    package let session: UInt32

    #if SHAREDMEM_TEST_HOOKS
        /// What a test has put into this store.
        @usableFromInline
        package var seededFault = SeededFault.ofThisProcess
    #endif

    /// Whether the lock file is mapped.
    @inline(__always)
    package var isWritable: Bool { session != 0 }

    /// Attaches to a generation whose data file is mapped read-only.
    package init(readOnly data: SharedBytes) throws(StoreError) {
        geometry = try Geometry(validating: data)
        self.data = data
        lock = data
        session = 0
    }

    /// Attaches to a generation whose files are mapped writable, as the session `session` (1 to 2^30 - 2).
    package init(data: SharedBytes, lock: SharedBytes, session: UInt32) throws(StoreError) {
        precondition(session != 0 && session < SHAREDMEM_LOCK_SESSION, "a session id as the daemon issues it")
        let geometry = try Geometry(validating: data)
        try geometry.validate(lock: lock, beside: data)
        self.geometry = geometry
        self.data = data
        self.lock = lock
        self.session = session
    }

    /// Works in files whose geometry the caller knows by itself, because it made them: nothing in them is read.
    ///
    /// `session` marks the pins that are set through this store.
    package init(trusting geometry: Geometry, data: SharedBytes, lock: SharedBytes, session: UInt32 = 1) {
        precondition(data.byteCount >= geometry.dataByteCount && lock.byteCount >= geometry.lockByteCount)
        self.geometry = geometry
        self.data = data
        self.lock = lock
        self.session = session
    }
}

// MARK: - Making a generation

extension Geometry {
    /// What a generation is called, beside its geometry.
    package struct Identity: Sendable {
        /// Issued by the daemon, never reused.
        package var segmentID: UInt64
        /// Counts from 1.
        package var generation: UInt64
        /// The seed of the index's hash.
        package var hashSeed: UInt64
        /// ns since the epoch.
        package var createdAt: UInt64

        package init(segmentID: UInt64, generation: UInt64, hashSeed: UInt64, createdAt: UInt64) {
            self.segmentID = segmentID
            self.generation = generation
            self.hashSeed = hashSeed
            self.createdAt = createdAt
        }
    }
}

extension Store {
    /// Writes the headers of a new generation and makes its heap one free block.
    ///
    /// Both files must be filled with zeros and have at least the bytes that `geometry` says. Not for files that
    /// anybody else has mapped.
    @unsafe
    package static func format(
        _ geometry: Geometry, identity: Geometry.Identity, data: UnsafeMutableRawPointer, lock: UnsafeMutableRawPointer
    ) {
        let dataBytes = unsafe SharedBytes(data, byteCount: geometry.dataByteCount)
        let lockBytes = unsafe SharedBytes(lock, byteCount: geometry.lockByteCount)
        Store(trusting: geometry, data: dataBytes, lock: lockBytes).format(identity)
    }

    /// Writes the headers and makes the heap one free block.
    private func format(_ identity: Geometry.Identity) {
        geometry.write(identity, data: data, lock: lock)
        data.store32(SHAREDMEM_STATE_LIVE, Int(sharedmem_at_state))
        makeHeap()
    }

    /// The same generation, empty again, with another seed of its index's hash; only before anybody else has the files.
    func emptied(hashSeed: UInt64) -> Store {
        var identity = identity
        identity.hashSeed = hashSeed
        var geometry = geometry
        geometry.hashSeed = hashSeed
        let index = geometry.indexOffset..<geometry.indexOffset + geometry.bucketCount * Int(sharedmem_bucket_size)
        for offset in stride(from: index.lowerBound, to: index.upperBound, by: 8) { data.store(0, offset) }
        for offset in stride(from: 0, to: geometry.lockByteCount, by: 8) { lock.store(0, offset) }
        let store = Store(trusting: geometry, data: data, lock: lock, session: session)
        store.format(identity)
        return store
    }

    /// Tells everybody who has the data file mapped that the segment is gone.
    package func markRemoved() { data.store32(SHAREDMEM_STATE_REMOVED, Int(sharedmem_at_state)) }
}

// MARK: - What the header says now

extension Store {
    /// What the header calls the generation; anybody who may write can have changed it.
    package var identity: Geometry.Identity {
        Geometry.Identity(
            segmentID: data.load(Int(sharedmem_at_segment_id)), generation: data.load(Int(sharedmem_at_generation)),
            hashSeed: data.load(Int(sharedmem_at_hash_seed)), createdAt: data.load(Int(sharedmem_at_created_at)))
    }

    /// The version of the newest committed change.
    package var commitNumber: UInt64 { data.load(Int(sharedmem_at_commit_number)) }

    /// Whether the generation is the one to use.
    @inlinable @inline(__always)
    package var isLive: Bool { data.load32(Int(sharedmem_at_state)) == UInt32(SHAREDMEM_STATE_LIVE) }

    /// Throws if the generation is not the one to use any more.
    @inline(__always)
    package func checkState() throws(StoreError) {
        let state = data.load32(Int(sharedmem_at_state))
        if state != UInt32(SHAREDMEM_STATE_LIVE) {
            throw state == UInt32(SHAREDMEM_STATE_REMOVED) ? .removed : .retired
        }
    }
}
