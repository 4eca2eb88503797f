internal import CSharedMem

/// One generation of a segment, mapped: the operations on its memory.
///
/// A value of private fields; it owns nothing.
/// Layers: `Store+Read` and `Store+Write` are what clients call; they use the index (`Store+Index`), the heap
/// (`Store+Heap`), limbo (`Store+Limbo`) and the lock word (`Store+Lock`). No system call is made here: who has to wait
/// is told so.
package struct Store: Sendable {
    /// The data file.
    package let data: SharedBytes
    /// The lock file; the data file again, never touched, in a read-only store.
    package let lock: SharedBytes
    /// Where everything is.
    package let geometry: Geometry
    /// What this process puts into the lock word; 0 in a read-only store.
    package let session: UInt32

    #if SHAREDMEM_TEST_HOOKS
        /// What a test has put into this store.
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
        geometry.write(identity, data: dataBytes, lock: lockBytes)
        let store = Store(formatted: geometry, data: dataBytes, lock: lockBytes)
        store.data.store32(SHAREDMEM_STATE_LIVE, Int(sharedmem_at_state))
        store.makeHeap()
    }

    private init(formatted geometry: Geometry, data: SharedBytes, lock: SharedBytes) {
        self.geometry = geometry
        self.data = data
        self.lock = lock
        session = 1
    }

    /// Tells everybody who has the data file at `data` mapped that the segment is gone.
    @unsafe
    package static func markRemoved(data: UnsafeMutableRawPointer) {
        unsafe SharedBytes(data, byteCount: Int(sharedmem_data_header_size))
            .store32(SHAREDMEM_STATE_REMOVED, Int(sharedmem_at_state))
    }
}

// MARK: - What the header says now

extension Store {
    /// The version of the newest committed change.
    package var commitNumber: UInt64 { data.load(Int(sharedmem_at_commit_number)) }

    /// Whether the generation is the one to use.
    @inline(__always)
    var isLive: Bool { data.load32(Int(sharedmem_at_state)) == UInt32(SHAREDMEM_STATE_LIVE) }

    /// Throws if the generation is not the one to use any more.
    ///
    /// Model: `retire.pml`.
    @inline(__always)
    package func checkState() throws(StoreError) {
        let state = data.load32(Int(sharedmem_at_state))
        if state != UInt32(SHAREDMEM_STATE_LIVE) {
            throw state == UInt32(SHAREDMEM_STATE_REMOVED) ? .removed : .retired
        }
    }
}
