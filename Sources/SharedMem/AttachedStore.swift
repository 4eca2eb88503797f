internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore
internal import Synchronization

/// One generation mapped into this process: the mappings, and the store that works in them.
final class AttachedStore: Sendable {
    private let data: Mapping
    private let lock: Mapping?
    /// Which generation of which segment, as the daemon numbers them.
    let identity: AttachedGeneration
    /// What the daemon knew the process as when it gave the files.
    var lineage: Lineage { identity.lineage }
    /// Which segment, as the daemon numbers them.
    var segmentID: UInt64 { identity.segmentID }
    /// Where `View` of this generation is; as long as this object lives.
    let address: UInt

    /// What an operation needs of a generation, reached by one load and without counting references.
    @safe
    struct View: ~Copyable {
        /// The operations; only in the process that mapped the files.
        let store: Store
        /// Which process that is: a forked child doesn't have the mappings.
        let forkCount: UInt32
        /// Which of the segment's generations it is.
        let generation: UInt64
        /// What the daemon's life file said when the daemon said last that this is the generation to use.
        private let ownerWord: Atomic<UInt32>
        /// What it says now.
        private let lifeWord: UnsafeMutablePointer<Atomic<UInt32>>
        /// When an operation has noticed first that the two differ: ns of the monotonic clock; 0: they don't.
        private let orphanedAt = Atomic<UInt64>(0)
        /// What its reads under a pin share; nil in a read-only store.
        let pinnedReads: PinnedReads?
        /// What the daemon pins for its reads; nil in a writable store, and if the daemon doesn't know how.
        let daemonPin: DaemonPin?

        init(
            store: Store, generation: UInt64, life: DaemonLife, ownerWord: UInt32, pinnedReads: PinnedReads?,
            daemonPin: DaemonPin?
        ) {
            self.store = store
            forkCount = ForkCounter.current
            self.generation = generation
            self.ownerWord = Atomic(ownerWord)
            unsafe lifeWord = life.pointer
            self.pinnedReads = pinnedReads
            self.daemonPin = daemonPin
        }

        /// Whether the daemon lives that said that this is the generation to use; only in the process that mapped it.
        ///
        /// Two relaxed loads: the words are compared and nothing else, and what follows a difference asks the daemon.
        @inline(__always)
        var isOwned: Bool {
            #if SHAREDMEM_TEST_HOOKS
                if store.has(.lifeIgnored) { return true }
            #endif
            return unsafe lifeWord.pointee.load(ordering: .relaxed) == ownerWord.load(ordering: .relaxed)
        }

        /// For how long nobody has owned the generation, as far as operations have looked: ns.
        func orphanedNanoseconds(at now: UInt64) -> UInt64 {
            // SYNC: acquires the word that `confirm(_:)` stored before it forgot the time.
            let found = orphanedAt.compareExchange(
                expected: 0, desired: now, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
            guard found.exchanged else { return now > found.original ? now - found.original : 0 }
            // Another thread has heard from the daemon meanwhile: the time must not be left for the next loss.
            if isOwned { orphanedAt.store(0, ordering: .releasing) }
            return 0
        }

        /// Notes that a daemon with `word` says that this is the generation to use.
        func confirm(_ word: UInt32) {
            ownerWord.store(word, ordering: .relaxed)
            // SYNC: publishes the word; pairs with `orphanedNanoseconds(at:)`.
            orphanedAt.store(0, ordering: .releasing)
        }

        /// Where the store of a view is: it stands first.
        @unsafe @inline(__always)
        static func store(_ view: UnsafePointer<View>) -> UnsafePointer<Store> {
            unsafe UnsafeRawPointer(view).assumingMemoryBound(to: Store.self)
        }

        /// The view at `address`, whose `AttachedStore` must live.
        @unsafe @inline(__always)
        static func at(_ address: UInt) -> UnsafePointer<View>? { unsafe UnsafePointer(bitPattern: address) }
    }

    /// Maps the files of an attach by `session` and checks that they are a segment's.
    static func mapping(
        _ attached: borrowing Attached, name: String, session: Session
    ) throws(SharedMemError) -> AttachedStore {
        let data = try mapData(attached, name: name)
        let lock = try mapLock(attached, name: name)
        let dataBytes = unsafe SharedBytes(data.baseAddress, byteCount: data.byteCount)
        let store: Store
        do throws(StoreError) {
            switch lock {
            case .some(let lock):
                let lockBytes = unsafe SharedBytes(lock.baseAddress, byteCount: lock.byteCount)
                store = try Store(data: dataBytes, lock: lockBytes, session: attached.lineage.sessionID)
            case .none: store = try Store(readOnly: dataBytes)
            }
        } catch {
            throw SharedMemError(error, segment: name)
        }
        return AttachedStore(attached, store, data, lock, session)
    }

    // Embedded Swift leaks the object of a designated initialiser that throws before all of it is set.
    private init(
        _ attached: borrowing Attached, _ store: Store, _ data: consuming Mapping, _ lock: consuming Mapping?,
        _ session: Session
    ) {
        let sizes = attached.attachment
        identity = AttachedGeneration(
            lineage: attached.lineage, segmentID: sizes.segmentID, generation: sizes.generation)
        self.data = data
        self.lock = lock
        let view = UnsafeMutablePointer<View>.allocate(capacity: 1)
        let pinnedReads = store.isWritable ? PinnedReads(of: store) : nil
        let daemonPin =
            store.isWritable || !attached.canPin
            ? nil : DaemonPin(of: store, segmentID: sizes.segmentID, session: session, lineage: attached.lineage)
        unsafe view.initialize(
            to: View(
                store: store, generation: sizes.generation, life: attached.lineage.life, ownerWord: attached.lifeWord,
                pinnedReads: pinnedReads,
                daemonPin: daemonPin))
        address = UInt(bitPattern: view)
    }

    deinit {
        guard let view = unsafe UnsafeMutablePointer<View>(bitPattern: address) else { return }
        // A forked child doesn't have the mapping, and the slot is its parent's.
        if unsafe view.pointee.forkCount == ForkCounter.current { unsafe view.pointee.pinnedReads?.releaseSlots() }
        unsafe view.deinitialize(count: 1)
        unsafe view.deallocate()
    }

    /// Whether an attach gave this very generation once more: then nothing has happened to it.
    func isSame(as attached: borrowing Attached) -> Bool {
        AttachedGeneration(
            lineage: attached.lineage, segmentID: attached.attachment.segmentID,
            generation: attached.attachment.generation) == identity
    }

    private static func map(
        _ file: borrowing MemoryFile, byteCount: UInt64, isWritable: Bool
    ) throws(Errno) -> Mapping {
        guard let count = Int(exactly: byteCount), try file.byteCount() >= count else { throw .invalidArgument }
        return try Mapping(
            of: file, byteCount: count, access: isWritable ? .readWrite : .readOnly, isPrivateToProcess: true)
    }

    private static func mapData(
        _ attached: borrowing Attached, name: String
    ) throws(SharedMemError) -> Mapping {
        let sizes = attached.attachment
        do throws(Errno) {
            // The mapping must not be longer than the file: the rest would fault.
            return try map(attached.data, byteCount: sizes.dataByteCount, isWritable: sizes.access == .readWrite)
        } catch {
            throw failure(error, name)
        }
    }

    /// nil: the files are for reading.
    private static func mapLock(
        _ attached: borrowing Attached, name: String
    ) throws(SharedMemError) -> Mapping? {
        guard attached.attachment.access == .readWrite else { return nil }
        do throws(Errno) {
            switch attached.lock {
            case .some(let file): return try map(file, byteCount: attached.attachment.lockByteCount, isWritable: true)
            case .none: return nil
            }
        } catch {
            throw failure(error, name)
        }
    }

    private static func failure(_ error: Errno, _ name: String) -> SharedMemError {
        SharedMemError(error, "mapping the segment '" + name + "'")
    }

    /// Sleeps while the lock word is `word`, at most so many nanoseconds.
    func waitForLock(while word: UInt32, nanoseconds: UInt64) -> Futex.WaitResult {
        switch lock {
        case .some(let lock): lock.wait(at: Store.lockWordOffset, while: word, nanoseconds: nanoseconds)
        case .none: .failed
        }
    }

    /// The notify word with this index now; only in the process that mapped it.
    func notifyWord(_ index: Int) -> UInt32 { unsafe View.at(address)?.pointee.store.notifyWord(index) ?? 0 }

    /// Sleeps while the notify word with this index is `value`, at most so many nanoseconds.
    func waitForChange(of index: Int, while value: UInt32, nanoseconds: UInt64) -> Futex.WaitResult {
        data.wait(at: NotifyWords.offset(of: index), while: value, nanoseconds: nanoseconds)
    }

    /// Adds the notify word with this index to the words that a thread sleeps on; false: they are too many.
    @discardableResult
    func append(_ index: Int, while value: UInt32, to words: inout FutexWords) -> Bool {
        data.append(NotifyWords.offset(of: index), while: value, to: &words)
    }

    /// Wakes everybody who sleeps on the notify word with this index; needs only a read-only mapping.
    func wakeWatchers(of index: Int) { data.wake(at: NotifyWords.offset(of: index), count: Int32.max) }

    /// Wakes one writer who sleeps on the lock word.
    func wakeLockWaiter() {
        switch lock {
        case .some(let lock): lock.wake(at: Store.lockWordOffset, count: 1)
        case .none: break
        }
    }
}
