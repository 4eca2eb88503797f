internal import LinuxIPC
internal import SharedMemProtocol
package import SharedMemStore
internal import Synchronization

/// An attached segment: values by key, read and written directly in the mapped memory.
///
/// A segment may be used by many threads at once. Reads take no lock and make no system call; writes are serialised
/// by the segment's lock word, between threads and between processes alike. After a `fork` the child attaches again at
/// its first call. While the daemon is restarted everything goes on; a daemon that stays away for longer than `graceTime`
/// makes every operation throw `notConnected`, until there is one again.
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
    /// Through which it's attached.
    let session: Session
    private let protocolName: SegmentName
    /// `graceTime` as it's used.
    private let grace: Atomic<UInt64>
    /// Every generation this handle was attached to; the last one is current.
    ///
    /// Held for moments only. Kept until the handle goes, because other threads may still be in an older one: a read leaves no mark. What an
    /// old one keeps is addresses; the daemon gives its memory back.
    private let attached: ForkSafeMutex<[AttachedStore]>
    /// Held by the one thread that attaches again.
    private let attaching = ForkSafeMutex<Void>(())
    /// The address of the last one's view: one load for each operation.
    private let current: Atomic<UInt>
    /// What waits have registered that ended with a change, for the next ones: at most one for each notify word.
    let keptRegistrations = ForkSafeMutex<[Registration]>([])

    /// Attaches to the segment `name` of the daemon at `socketPath`.
    ///
    /// nil: as in `Session.init(socketPath:)`. Throws `notConnected`, `noSuchSegment` or `notPermitted`.
    public static func open(
        _ name: String, access: Access = .readWrite, socketPath: String? = nil
    ) throws(SharedMemError) -> Segment {
        try Segment(name: name, access: access, session: Session(unconnected: Session.path(socketPath)))
    }

    convenience init(name: String, access: Access, session: Session) throws(SharedMemError) {
        let protocolName = try Session.name(name)
        let first = try AttachedStore.mapping(
            session.attach(protocolName, access == .readOnly ? .readOnly : .readWrite), name: name, session: session)
        self.init(name: name, access: access, session: session, protocolName, first)
    }

    // Embedded Swift leaks the object of a designated initialiser that throws before all of it is set.
    private init(
        name: String, access: Access, session: Session, _ protocolName: SegmentName, _ first: AttachedStore
    ) {
        self.name = name
        self.access = access
        self.session = session
        self.protocolName = protocolName
        grace = Atomic(GraceTime(session.graceTime).nanoseconds)
        attached = ForkSafeMutex([first])
        current = Atomic(first.address)
    }
}

// MARK: - The current generation

extension Segment {
    /// How long operations go on after the daemon is gone; nil: for ever.
    ///
    /// The session's when the segment was opened; 5 seconds by default, `.zero`: not at all. Counted from the first
    /// operation that notices. Until then reads and writes go on in the memory that is mapped, and look for the daemon now
    /// and then without waiting for it. When it's back and still has the segment, nothing has happened; when the segment
    /// was lost, operations go on with the new one, or throw why there is none.
    public var graceTime: Duration? {
        get { GraceTime(nanoseconds: grace.load(ordering: .relaxed)).duration }
        set { grace.store(GraceTime(newValue).nanoseconds, ordering: .relaxed) }
    }

    /// Runs `body` with the current generation, attached again in a forked child or after a move to a newer one.
    @inline(__always)
    package func withStore<Result>(
        _ body: (borrowing Store) throws(StoreError) -> Result
    ) throws(SharedMemError) -> Result {
        try unsafe withView { (view) throws(StoreError) in try unsafe body(view.pointee.store) }
    }

    /// The current generation's view, if this process has it mapped and the daemon lives.
    @unsafe @inline(__always)
    func currentView() -> UnsafePointer<AttachedStore.View>? {
        // SYNC: the view's bytes are visible with its address; pairs with the store in `attachAgain(insteadOf:)`.
        guard let view = unsafe AttachedStore.View.at(current.load(ordering: .acquiring)),
            unsafe view.pointee.forkCount == ForkCounter.current, unsafe view.pointee.isOwned
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
            var address = current.load(ordering: .acquiring)
            if let view = unsafe AttachedStore.View.at(address), unsafe view.pointee.forkCount == ForkCounter.current,
                unsafe !view.pointee.isOwned
            {
                address = try unsafe lookForDaemon(view, address)
            }
            // Its object is in `attached`, which only grows.
            if let view = unsafe AttachedStore.View.at(address), unsafe view.pointee.forkCount == ForkCounter.current {
                do throws(StoreError) {
                    return try unsafe body(view)
                } catch {
                    attempts -= 1
                    let cause = unsafe view.pointee.store.cause(of: error)
                    guard cause == .retired, attempts > 0 else { throw SharedMemError(cause, segment: name) }
                }
            }
            try attachAgain(insteadOf: address)
        }
    }

    /// The object behind the current view, for the slow path of the lock.
    func currentAttachment() -> AttachedStore? {
        attached.withLock { $0.last }
    }

    /// The object behind a view.
    func attachment(of view: UnsafePointer<AttachedStore.View>) -> AttachedStore? {
        attachment(at: UInt(bitPattern: view))
    }

    /// The object whose view is at an address.
    func attachment(at address: UInt) -> AttachedStore? {
        attached.withLock { attached in attached.last { $0.address == address } }
    }

    /// Whether the view at an address is the current one.
    func isCurrent(_ address: UInt) -> Bool { current.load(ordering: .relaxed) == address }

    /// Attaches to the newest generation, unless another thread has done so.
    ///
    /// Model: `retire.pml`.
    private func attachAgain(insteadOf old: UInt) throws(SharedMemError) {
        try attaching.withLock { _ throws(SharedMemError) in
            guard current.load(ordering: .relaxed) == old else { return }
            try replace(by: session.attach(protocolName, protocolAccess))
        }
    }

    /// Makes what an attach gave the current generation; only for the thread that holds `attaching`.
    private func replace(by files: consuming Attached) throws(SharedMemError) {
        let next = try AttachedStore.mapping(files, name: name, session: session)
        attached.withLock { $0.append(next) }
        // SYNC: publishes the object; pairs with the load in `withView(_:)`.
        current.store(next.address, ordering: .releasing)
    }

    private var protocolAccess: SharedMemProtocol.Access { access == .readOnly ? .readOnly : .readWrite }
}

// MARK: - A daemon that is gone

extension Segment {
    /// Looks for the daemon that owned the current generation, and returns the address of the one to go on with.
    ///
    /// Within the grace time that's the same one until there is a daemon; only one thread looks, and waits for nothing
    /// but the files. After it, all wait for the one that looks, and a daemon that isn't there is thrown.
    @inline(never)
    private func lookForDaemon(
        _ view: UnsafePointer<AttachedStore.View>, _ address: UInt
    ) throws(SharedMemError) -> UInt {
        let orphaned = unsafe view.pointee.orphanedNanoseconds(at: SystemClock.monotonicCoarse())
        if orphaned < grace.load(ordering: .relaxed) {
            _ = try attaching.withLockIfFree { _ throws(SharedMemError) in
                try unsafe renew(view, address, isWaiting: false)
            }
        } else {
            let isRenewed = try attaching.withLock { _ throws(SharedMemError) in
                try unsafe renew(view, address, isWaiting: true)
            }
            guard isRenewed else { throw orphan(orphaned) }
        }
        // SYNC: as in `withView(_:)`.
        return current.load(ordering: .acquiring)
    }

    /// Asks the daemon, if it's there, for the generation to use; only for the thread that holds `attaching`.
    ///
    /// Throws what the daemon refuses; false: there is none.
    private func renew(
        _ view: UnsafePointer<AttachedStore.View>, _ address: UInt, isWaiting: Bool
    ) throws(SharedMemError) -> Bool {
        guard current.load(ordering: .relaxed) == address, unsafe !view.pointee.isOwned else { return true }
        do throws(SharedMemError) {
            guard try session.reconnect(isWaiting: isWaiting) else { return false }
            try goOn(from: address)
            return true
        } catch {
            // Whatever keeps from asking may pass; what the daemon answers counts.
            guard error.isAbsence || error.code == .systemCall && !isWaiting else { throw error }
            return false
        }
    }

    /// Looks for the daemon if it's gone, for somebody who waits in a generation; whether there is another one to use.
    func hasMoved(from view: UnsafePointer<AttachedStore.View>) -> Bool {
        let address = UInt(bitPattern: view)
        if unsafe !view.pointee.isOwned {
            _ = attaching.withLockIfFree { _ in
                do throws(SharedMemError) {
                    _ = try unsafe renew(view, address, isWaiting: false)
                } catch {
                    // Told to the next operation.
                }
            }
        }
        return current.load(ordering: .relaxed) != address
    }

    /// Asks the daemon for the generation to use, for somebody whose own one can't be watched; a daemon that isn't there is
    /// left to the next operation.
    func askForGeneration(insteadOf address: UInt) throws(SharedMemError) {
        try attaching.withLock { _ throws(SharedMemError) in
            guard current.load(ordering: .relaxed) == address else { return }
            do throws(SharedMemError) {
                try goOn(from: address)
            } catch {
                // Its name is gone, and it was there.
                if error.code == .noSuchSegment { throw SharedMemError(.removed, segment: name) }
                guard error.isAbsence else { throw error }
            }
        }
    }

    /// Attaches, and goes on with the current generation, whose view is at `address`, or with the one that there is instead;
    /// only for the thread that holds `attaching`.
    private func goOn(from address: UInt) throws(SharedMemError) {
        let files = try session.attach(protocolName, protocolAccess, isWaiting: false)
        if currentAttachment()?.isSame(as: files) == true {
            unsafe AttachedStore.View.at(address)?.pointee.confirm(files.lifeWord)
        } else {
            try replace(by: files)
        }
    }

    private func orphan(_ nanoseconds: UInt64) -> SharedMemError {
        SharedMemError(
            .notConnected, errno: Errno.notConnected.rawValue,
            "segment '" + name + "': the daemon at " + session.socketPath + " has been gone for more than "
                + String(nanoseconds / 1_000_000) + " ms: see that sharedmemd runs")
    }
}
