internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// One generation mapped into this process: the mappings, and the store that works in them.
final class AttachedStore: Sendable {
    private let data: Mapping
    private let lock: Mapping?
    /// Where `View` of this generation is; as long as this object lives.
    let address: UInt

    /// What an operation needs of a generation, reached by one load and without counting references.
    struct View {
        /// The operations; only in the process that mapped the files.
        let store: Store
        /// Which process that is: a forked child doesn't have the mappings.
        let forkCount: UInt32
        /// What its reads under a pin share; nil in a read-only store.
        let pinnedReads: PinnedReads?
        /// What the daemon pins for its reads; nil in a writable store, and if the daemon doesn't know how.
        let daemonPin: DaemonPin?

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
    init(_ attached: borrowing Attached, name: String, session: Session) throws(SharedMemError) {
        let sizes = attached.attachment
        do throws(Errno) {
            // The mapping must not be longer than the file: the rest would fault.
            data = try Self.map(attached.data, byteCount: sizes.dataByteCount, isWritable: sizes.access == .readWrite)
            if sizes.access == .readWrite, attached.lock != nil {
                lock = try Self.mapLock(attached)
            } else {
                lock = nil
            }
        } catch {
            throw SharedMemError(error, "mapping the segment '" + name + "'")
        }
        let dataBytes = unsafe SharedBytes(data.baseAddress, byteCount: data.byteCount)
        let store: Store
        do throws(StoreError) {
            switch lock {
            case .some(let lock):
                let lockBytes = unsafe SharedBytes(lock.baseAddress, byteCount: lock.byteCount)
                store = try Store(data: dataBytes, lock: lockBytes, session: attached.sessionID)
            case .none: store = try Store(readOnly: dataBytes)
            }
        } catch {
            throw SharedMemError(error, segment: name)
        }
        let view = UnsafeMutablePointer<View>.allocate(capacity: 1)
        let pinnedReads = store.isWritable ? PinnedReads(of: store) : nil
        let daemonPin =
            store.isWritable
            ? nil
            : attached.pinningConnection.map {
                DaemonPin(of: store, segmentID: sizes.segmentID, session: session, connection: $0)
            }
        unsafe view.initialize(
            to: View(
                store: store, forkCount: ForkCounter.current, pinnedReads: pinnedReads, daemonPin: daemonPin))
        address = UInt(bitPattern: view)
    }

    deinit {
        guard let view = unsafe UnsafeMutablePointer<View>(bitPattern: address) else { return }
        // A forked child doesn't have the mapping, and the slot is its parent's.
        if unsafe view.pointee.forkCount == ForkCounter.current { unsafe view.pointee.pinnedReads?.releaseSlots() }
        unsafe view.deinitialize(count: 1)
        unsafe view.deallocate()
    }

    private static func map(
        _ file: borrowing MemoryFile, byteCount: UInt64, isWritable: Bool
    ) throws(Errno) -> Mapping {
        guard let count = Int(exactly: byteCount), try file.byteCount() >= count else { throw .invalidArgument }
        return try Mapping(
            of: file, byteCount: count, access: isWritable ? .readWrite : .readOnly, isPrivateToProcess: true)
    }

    private static func mapLock(_ attached: borrowing Attached) throws(Errno) -> Mapping? {
        switch attached.lock {
        case .some(let file): try map(file, byteCount: attached.attachment.lockByteCount, isWritable: true)
        case .none: nil
        }
    }

    /// Sleeps while the lock word is `word`, at most so many nanoseconds.
    func waitForLock(while word: UInt32, nanoseconds: UInt64) -> Futex.WaitResult {
        switch lock {
        case .some(let lock): lock.wait(at: Store.lockWordOffset, while: word, nanoseconds: nanoseconds)
        case .none: .failed
        }
    }

    /// Wakes one writer who sleeps on the lock word.
    func wakeLockWaiter() {
        switch lock {
        case .some(let lock): lock.wake(at: Store.lockWordOffset, count: 1)
        case .none: break
        }
    }
}
