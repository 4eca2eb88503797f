internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

// Taking the lock word: once, then a short spin, then sleep in slices. The store does the word's atomics; sleeping and
// waking is here, because it takes system calls.

extension Segment {
    /// Spins that are tried before a writer sleeps: some microseconds, as long as a few sets of small values.
    private static var spinLimit: Int { 100 }

    /// The longest sleep in one go: a wake-up that died with its waker costs this much at most.
    private static var sliceNanoseconds: UInt64 { 1_000_000_000 }

    /// Runs `body` as the owner of the lock word; what it did is only acknowledged if the word was still ours.
    ///
    /// If it wasn't, the daemon has moved the values to a new generation: the change counts if it was taken along, and is
    /// done again otherwise. `body` makes one change at most, of keys that have these watch `stripes`. Throws
    /// `lockTimeout` if the word isn't free in time: within some microseconds unless `isWaiting`.
    ///
    /// Models: `lock.pml` and `retire.pml`.
    @inline(__always)
    func writing<Result>(
        stripes: (borrowing Store) -> UInt64, isWaiting: Bool = true,
        _ body: (borrowing Store, _ time: UInt64) throws(StoreError) -> Result
    ) throws(SharedMemError) -> Result {
        guard access == .readWrite else {
            throw readOnlyError
        }
        // Read before the lock: a precise clock would double the cost of a set, inside it everybody would wait for it.
        let time = SystemClock.realtimeCoarse()
        var timedOut: SharedMemError?
        var lost: LostChange<Result>?
        let result: Result? = try unsafe withView { (view) throws(StoreError) in
            if let change = lost.take(), change.store.wasTakenAlong(change.version) { return change.result }
            return try unsafe locked(view, view.pointee.store, time, isWaiting, &timedOut, &lost, stripes, body)
        }
        if let result { return result }
        throw timedOut ?? lockTimeoutError
    }

    /// What is thrown if the word isn't free in time, and nothing is known of who has it.
    private var lockTimeoutError: SharedMemError {
        SharedMemError(
            .lockTimeout, errno: Errno.timedOut.rawValue,
            "segment '" + name + "': the lock word was not free in time")
    }

    /// The same for a change of one key.
    @inline(__always)
    func writing<Result>(
        _ key: RawSpan, isWaiting: Bool = true,
        _ body: (borrowing Store, _ time: UInt64) throws(StoreError) -> Result
    ) throws(SharedMemError) -> Result {
        try writing(
            stripes: { store in unsafe key.withUnsafeBytes { unsafe store.stripeBit(of: $0) } },
            isWaiting: isWaiting, body)
    }

    /// A change that was made under a lock that was lost.
    struct LostChange<Result> {
        /// Where it was made.
        let store: Store
        /// Its version.
        let version: UInt64
        /// What its caller is told if it counts.
        let result: Result
    }

    /// Whether the next generation holds a change that was made under a lock that was lost; it is attached then.
    @inline(never)
    func wasTakenAlong(
        _ version: UInt64, in store: borrowing Store, of lost: UnsafePointer<AttachedStore.View>
    ) throws(SharedMemError) -> Bool {
        try unsafe withView { (view) throws(StoreError) in
            if unsafe view == lost { throw .retired }
        }
        return store.wasTakenAlong(version)
    }

    /// Runs `body` as the owner of the lock word of one generation; nil: the word wasn't free in time.
    @inline(__always)
    private func locked<Result>(
        _ view: UnsafePointer<AttachedStore.View>, _ store: borrowing Store, _ time: UInt64, _ isWaiting: Bool,
        _ timedOut: inout SharedMemError?, _ lost: inout LostChange<Result>?, _ stripes: (borrowing Store) -> UInt64,
        _ body: (borrowing Store, _ time: UInt64) throws(StoreError) -> Result
    ) throws(StoreError) -> Result? {
        if store.has(.lockLeftOut) { return try body(store, time) }
        let found = store.tryLock(at: time)
        if found != 0 {
            timedOut = try unsafe lockSlowly(view, store, found, isWaiting: isWaiting)
            if timedOut != nil { return nil }
        }
        let isWatchedTooEarly = store.has(.flagReadTooEarly) ? store.isWatched : false
        let before = store.commitNumber
        let result: Result
        do throws(StoreError) {
            try store.checkState()
            result = try body(store, time)
        } catch {
            let unlocked = store.unlock()
            finish(unlocked)
            // What was found under a lock that is lost isn't believed.
            throw unlocked == .lost ? .retired : error
        }
        // Nobody else commits here, not even when the lock is lost.
        let version = store.commitNumber
        let unlocked = store.unlock()
        if unlocked != .quietly {
            finish(unlocked)
            if unlocked == .lost {
                if version != before { lost = LostChange(store: copy store, version: version, result: result) }
                throw .retired
            }
        }
        if version != before, store.has(.flagReadTooEarly) ? isWatchedTooEarly : store.isWatched {
            unsafe wakeWatchers(stripes(store), version, view)
        }
        return result
    }

    /// Wakes who waits.
    func finish(_ unlocked: Unlocked) {
        if unlocked == .withWaiters { currentAttachment()?.wakeLockWaiter() }
    }

    /// Waits for the lock word; returns the error if it wasn't free in time, nil if it is ours now.
    ///
    /// Without `isWaiting` it only spins.
    ///
    /// Model: `lock.pml`.
    @inline(never)
    private func lockSlowly(
        _ view: UnsafePointer<AttachedStore.View>, _ store: borrowing Store, _ first: UInt32, isWaiting: Bool
    ) throws(StoreError) -> SharedMemError? {
        var found = first
        for _ in 0..<Self.spinLimit {
            if Store.isRetired(found) { throw .retired }
            SpinHint.pause()
            found = store.lockWord
            if found == 0 {
                found = store.tryLock(at: SystemClock.realtimeCoarse())
                if found == 0 { return nil }
            }
        }
        guard isWaiting else { return lockTimeoutError }
        guard let attachment = unsafe attachment(of: view) else { throw .retired }
        let start = SystemClock.monotonic()
        let limit = lockTimeoutMilliseconds.multipliedReportingOverflow(by: 1_000_000)
        let patience = limit.overflow ? UInt64.max : limit.partialValue
        var nextQuestion = Self.sliceNanoseconds
        var holder: Holder?
        while true {
            let waited = SystemClock.monotonic() &- start
            found = store.tryLock(at: SystemClock.realtimeCoarse(), afterWaiting: true)
            if found == 0 { return nil }
            if Store.isRetired(found) { throw .retired }
            if waited >= patience {
                // The wake-up that ended the last sleep may have been meant for whoever can take the word: handed on, or
                // another writer would sleep beside a free word until its slice ends.
                attachment.wakeLockWaiter()
                holder = askForHolder(attachment) ?? holder
                return timeout(owner: Store.owner(of: found), holder, after: waited)
            }
            if waited >= nextQuestion {
                // A daemon that is gone repairs nothing; its successor may have another generation.
                if unsafe hasMoved(from: view) { throw .retired }
                holder = askForHolder(attachment) ?? holder
                nextQuestion = (SystemClock.monotonic() &- start) &+ Self.sliceNanoseconds
                continue
            }
            if store.announceWaiter(seeing: found) {
                _ = attachment.waitForLock(
                    while: found | Store.waitersBit, nanoseconds: min(Self.sliceNanoseconds, patience - waited))
            }
        }
    }

    /// Asks the daemon who has the lock word, and so makes it look whether that writer lives.
    @discardableResult
    func askForHolder(_ attachment: AttachedStore) -> Holder? {
        session.holder(of: attachment.segmentID, for: attachment.lineage)
    }

    private func timeout(owner: UInt32, _ holder: Holder?, after nanoseconds: UInt64) -> SharedMemError {
        SharedMemError(
            .lockTimeout, errno: Errno.timedOut.rawValue,
            "segment '" + name + "': "
                + (holder.flatMap { $0.session == owner ? $0.words(after: nanoseconds) : nil }
                    ?? "session " + String(owner) + " has held the lock word for more than "
                    + String(nanoseconds / 1_000_000) + " ms"))
    }
}

extension Holder {
    /// Who has the lock word, and for how long: at least for `nanoseconds`.
    fileprivate func words(after nanoseconds: UInt64) -> String {
        if state == .replaced {
            return words + " doesn't give the lock word back, and the segment is still being moved to a new generation"
        }
        let now = SystemClock.realtime()
        let held = takenAt == 0 || takenAt > now ? nanoseconds : now - takenAt
        return words + " has held the lock word for " + String(held / 1_000_000) + " ms"
    }

    /// Which session, of which process and program; as far as it's known.
    fileprivate var words: String {
        var words = "session " + String(session)
        if pid != 0 { words += ", pid " + String(pid) }
        if !program.isEmpty {
            // Anybody can choose it: what a terminal would act upon isn't repeated.
            let shown = program.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: "?") : $0 }
            words += " ('" + String(decoding: shown, as: UTF8.self) + "')"
        }
        return pid == 0 && program.isEmpty ? words : words + ","
    }
}
