internal import LinuxIPC
internal import SharedMemStore

// The switch to a new generation, in three parts, because what must outlive the daemon is saved between them: `move` on
// the worker thread, then the table, then `retire`; much later `punch`. `Store+Retire.swift` says why in this order.

/// How a switch gets hold of the lock word.
enum SwitchStart: Equatable, Sendable {
    /// As one of those who wait for it, so many nanoseconds at most.
    case waiting(nanoseconds: UInt64)
    /// By taking it away for ever from a session that lives and isn't anybody's any more.
    ///
    /// Also when an earlier try, of this daemon or of the one before, has done so already.
    case taking(session: UInt32)
    /// It is the daemon's, because a repair failed.
    case held
}

extension SegmentMemory {
    /// Copies all values into `new`, which was just made, and keeps writers out from then on; takes time.
    ///
    /// The daemon answers no attach to the segment meanwhile; with `waiting`, only from the outcome on. Throws
    /// `timedOut` if the word isn't free in time, and `stale` if it isn't the session's: nothing has happened then, and
    /// it is as if nobody had asked. After another failure of `taking` and `held` the values are still to be moved.
    func move(to new: SegmentMemory, _ start: SwitchStart) throws(Failure) -> GenerationCopy.Report {
        try takeLock(start)
        // Who has lost the word may go on storing.
        let mayChange = if case .taking = start { true } else { false }
        do throws(Failure) {
            let target = try new.mapping()
            let geometry = new.geometry
            return try withStore { (old, _) throws(StoreError) in
                if mayChange || old.has(.retiredBeforeTheCopy) { old.retireState() }
                var copy = GenerationCopy(
                    from: old,
                    into: Store(trusting: geometry, data: target.dataBytes, lock: target.lockBytes),
                    mayChange: mayChange, bootTime: SystemClock.boottime())
                let report = try copy.run()
                new.replace(copy.geometry)
                return report
            }
        } catch {
            if case .waiting = start { _ = try repairAgain() }
            throw error
        }
    }

    /// Gets hold of the lock word.
    private func takeLock(_ start: SwitchStart) throws(Failure) {
        let isTaken = try withStore { (store, mapping) throws(StoreError) -> Bool in
            switch start {
            case .waiting(let nanoseconds): return Self.wait(for: store, mapping, nanoseconds)
            case .taking(let session):
                return Store.isRetired(store.lockWord) || store.retireLock(takingItFrom: session)
            case .held: return store.lockHolder.state == .recovering
            }
        }
        if isTaken { return }
        if case .waiting(let nanoseconds) = start {
            throw Failure(
                errno: .timedOut, reason: "its lock word was not free within \(nanoseconds / 1_000_000) ms")
        }
        throw Failure(errno: .stale, reason: "its lock word is not the one's that it was expected to be")
    }

    /// The longest sleep in one go: a wake-up that died with its waker costs this much at most.
    private static var sliceNanoseconds: UInt64 { 1_000_000_000 }

    /// Waits for the lock word as a writer does; false: it wasn't free in time, or never will be.
    private static func wait(for store: Store, _ mapping: SegmentMapping, _ patience: UInt64) -> Bool {
        let start = SystemClock.monotonic()
        var hasWaited = false
        while true {
            let found = store.tryLockForDaemon(afterWaiting: hasWaited)
            if found == 0 { return true }
            if Store.isRetired(found) { return false }
            let waited = SystemClock.monotonic() &- start
            if waited >= patience {
                // The wake-up that ended the last sleep may have been meant for whoever can take the word.
                mapping.wakeLockWaiter()
                return false
            }
            if store.announceWaiter(seeing: found) {
                mapping.waitForLock(
                    while: found | Store.waitersBit, nanoseconds: min(sliceNanoseconds, patience &- waited))
                hasWaited = true
            }
        }
    }

    /// Says for ever that another generation is the current one, and wakes all who sleep on the lock word or watch.
    ///
    /// Only when the table says so; again when a daemon starts and finds that it does.
    func retire() throws(Failure) {
        try withStore { (store, mapping) throws(StoreError) in
            store.retire()
            mapping.wakeLockWaiters()
            mapping.wakeWatchers(of: store.notify(everything: true))
        }
    }

    /// Gives the memory of a retired generation's values back, whoever has it mapped: its header stays.
    ///
    /// Takes time.
    func punch() throws(Failure) {
        do throws(Errno) {
            try data.punch(from: Store.headerByteCount)
        } catch {
            throw Failure(errno: error, reason: "its old memory can't be given back: \(error)")
        }
    }
}
