internal import LinuxIPC
internal import SharedMemProtocol
package import SharedMemStore
internal import Synchronization

/// An attached segment: values by key, read and written directly in the mapped memory.
///
/// A segment may be used by many threads at once. Reads take no lock and make no system call; writes are serialised
/// by the segment's lock word, between threads and between processes alike. After a `fork` the child attaches again at
/// its first call.
public final class Segment: Sendable {
    /// What a handle may do.
    public enum Access: Sendable {
        /// Get; the mapping is read-only by the kernel's word.
        case readOnly
        /// Get, set and delete.
        case readWrite
    }

    /// The segment's name.
    public let name: String
    /// What this handle may do.
    public let access: Access
    /// How long a write waits for the lock word before it throws `lockTimeout`, in milliseconds; 5,000 by default.
    public var lockTimeoutMilliseconds: UInt64 {
        get { lockTimeout.load(ordering: .relaxed) }
        set { lockTimeout.store(newValue, ordering: .relaxed) }
    }

    private let lockTimeout = Atomic<UInt64>(5000)
    private let session: Session
    private let protocolName: SegmentName
    /// Every generation this handle was attached to; the last one is current.
    ///
    /// Kept until the handle goes, because other
    /// threads may still be in an older one; the daemon gives the memory of old ones back.
    private let attached: ForkSafeMutex<[AttachedStore]>
    /// The address of the last one's view: one load for each operation.
    private let current: Atomic<UInt>

    /// Attaches to the segment `name` of the daemon at `socketPath`.
    ///
    /// nil: as in `Session.init(socketPath:)`. Throws `notConnected`, `noSuchSegment` or `notPermitted`.
    public static func open(
        _ name: String, access: Access = .readWrite, socketPath: String? = nil
    ) throws(SharedMemError) -> Segment {
        try Segment(name: name, access: access, session: Session(unconnected: socketPath))
    }

    init(name: String, access: Access, session: Session) throws(SharedMemError) {
        let protocolName = try Session.name(name)
        let first = try AttachedStore(
            try session.attach(protocolName, access == .readOnly ? .readOnly : .readWrite), name: name,
            session: session)
        self.name = name
        self.access = access
        self.session = session
        self.protocolName = protocolName
        attached = ForkSafeMutex([first])
        current = Atomic(first.address)
    }
}

// MARK: - The current generation

extension Segment {
    /// Runs `body` with the current generation, attached again in a forked child or after a move to a newer one.
    @inline(__always)
    package func withStore<Result>(
        _ body: (borrowing Store) throws(StoreError) -> Result
    ) throws(SharedMemError) -> Result {
        try unsafe withView { (view) throws(StoreError) in try unsafe body(view.pointee.store) }
    }

    /// The current generation's view, if this process has it mapped.
    @unsafe @inline(__always)
    func currentView() -> UnsafePointer<AttachedStore.View>? {
        // SYNC: the view's bytes are visible with its address; pairs with the store in `attachAgain(insteadOf:)`.
        guard let view = unsafe AttachedStore.View.at(current.load(ordering: .acquiring)),
            unsafe view.pointee.forkCount == ForkCounter.current
        else { return nil }
        return unsafe view
    }

    /// The same, with all that belongs to the generation.
    ///
    /// Model: `retire.pml`.
    @inline(__always)
    func withView<Result>(
        _ body: (UnsafePointer<AttachedStore.View>) throws(StoreError) -> Result
    ) throws(SharedMemError) -> Result {
        var attempts = 3
        while true {
            // SYNC: the view's bytes are visible with its address; pairs with the store in `attachAgain(insteadOf:)`.
            let address = current.load(ordering: .acquiring)
            // Its object is in `attached`, which only grows.
            if let view = unsafe AttachedStore.View.at(address), unsafe view.pointee.forkCount == ForkCounter.current {
                do throws(StoreError) {
                    return try unsafe body(view)
                } catch {
                    attempts -= 1
                    guard error == .retired, attempts > 0 else { throw SharedMemError(error, segment: name) }
                }
            }
            try attachAgain(insteadOf: address)
        }
    }

    /// The object behind the current view, for the slow path of the lock.
    func currentAttachment() -> AttachedStore? {
        attached.withLock { $0.last }
    }

    /// Attaches to the newest generation, unless another thread has done so.
    ///
    /// Model: `retire.pml`.
    private func attachAgain(insteadOf old: UInt) throws(SharedMemError) {
        try attached.withLock { (attached) throws(SharedMemError) in
            guard current.load(ordering: .relaxed) == old else { return }
            let next = try AttachedStore(
                try session.attach(protocolName, access == .readOnly ? .readOnly : .readWrite), name: name,
                session: session)
            attached.append(next)
            // SYNC: publishes the object; pairs with the load in `withStore(_:)`.
            current.store(next.address, ordering: .releasing)
        }
    }
}
