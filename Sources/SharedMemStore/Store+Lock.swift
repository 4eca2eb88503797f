internal import CSharedMem
internal import Synchronization

// The lock word: 0 is free, bits 0-29 name the owner's session, bit 31 says that somebody sleeps on it or may.

/// How a lock word was given back.
package enum Unlocked: Equatable, Sendable {
    /// Nobody waits.
    case quietly
    /// Somebody may sleep: wake one.
    case withWaiters
    /// The word wasn't ours any more: what was done under it isn't acknowledged.
    case lost
}

extension Store {
    /// Takes the lock word if it's free; returns what stood there, 0 for success.
    ///
    /// `afterWaiting`: the caller slept, so others may still sleep, and the word must keep saying so.
    ///
    /// Model: `lock.pml`.
    @inline(__always)
    package func tryLock(at time: UInt64, afterWaiting: Bool = false) -> UInt32 {
        let own = session | (afterWaiting ? UInt32(SHAREDMEM_LOCK_WAITERS) : 0)
        // SYNC: acquires everything that earlier owners wrote; pairs with `unlock()`.
        let found = lock.exchangeAcquiring32(expected: 0, desired: own, Int(sharedmem_lock_at_lock_word))
        if found == 0 { lock.store(time, Int(sharedmem_lock_at_taken_at)) }
        return found
    }

    /// Gives the lock word back; only for the owner.
    ///
    /// By compare-and-swap, never by exchange: the word may have been taken away, and a change that was made under a
    /// lost lock must not be acknowledged.
    ///
    /// Models: `lock.pml` and `retire.pml`.
    @inline(__always)
    package func unlock() -> Unlocked {
        // SYNC: publishes all that was done under the lock to the next owner; pairs with `tryLock(at:)`. Sequentially
        // consistent, so that a watched flag is read only after the commit is visible.
        let found = lock.exchangeSequential32(expected: session, desired: 0, Int(sharedmem_lock_at_lock_word))
        if found == session { return .quietly }
        return unlockWithWaiters(found)
    }

    /// Gives back a word that isn't quietly ours: with the waiters bit, or lost.
    ///
    /// Models: `lock.pml` and `retire.pml`.
    func unlockWithWaiters(_ found: UInt32) -> Unlocked {
        let own = session | UInt32(SHAREDMEM_LOCK_WAITERS)
        if has(.unlockedByExchange) {
            lock.storeReleasing32(0, Int(sharedmem_lock_at_lock_word))
            return .withWaiters
        }
        guard found == own else { return .lost }
        // SYNC: as in `unlock()`. The waiters bit is never taken back by anybody else, so once is enough.
        let again = lock.exchangeSequential32(expected: own, desired: 0, Int(sharedmem_lock_at_lock_word))
        return again == own ? .withWaiters : .lost
    }

    /// Sets the waiters bit beside `found`, which the caller saw in the word; false: the word has changed.
    ///
    /// Model: `lock.pml`.
    package func announceWaiter(seeing found: UInt32) -> Bool {
        let waiters = UInt32(SHAREDMEM_LOCK_WAITERS)
        if found & waiters != 0 { return true }
        // Relaxed would do: the futex compares the word again before it sleeps.
        return lock.exchangeAcquiring32(
            expected: found, desired: found | waiters, Int(sharedmem_lock_at_lock_word)) == found
    }

    /// Takes the word over from `owner`, which must be dead: nobody else takes it until `endRecovery()`.
    ///
    /// false: the word isn't that owner's. By an exact compare-and-swap that keeps the waiters bit.
    ///
    /// Models: `lock.pml` and `death.pml`.
    package func takeOver(from owner: UInt32) -> Bool {
        let waiters = UInt32(SHAREDMEM_LOCK_WAITERS)
        // The bit may be set while this looks, and is never taken back: the second try sees it.
        for found in [owner, owner | waiters] {
            // SYNC: acquires what the dead owner wrote; pairs with every store it made.
            let word = lock.exchangeAcquiring32(
                expected: found, desired: found & waiters | UInt32(SHAREDMEM_LOCK_RECOVERY),
                Int(sharedmem_lock_at_lock_word))
            if word == found { return true }
        }
        return false
    }

    /// Frees the word after a recovery.
    ///
    /// The caller wakes everybody who sleeps on it, whatever the word said: a wake-up dies with its waker.
    ///
    /// Models: `lock.pml` and `death.pml`.
    package func endRecovery() {
        let waiters = UInt32(SHAREDMEM_LOCK_WAITERS)
        for found in [UInt32(SHAREDMEM_LOCK_RECOVERY), UInt32(SHAREDMEM_LOCK_RECOVERY) | waiters] {
            // SYNC: publishes the repaired state to the next owner; pairs with `tryLock(at:afterWaiting:)`.
            let word = lock.exchangeSequential32(expected: found, desired: 0, Int(sharedmem_lock_at_lock_word))
            if word == found { return }
        }
    }

    /// The lock word now.
    package var lockWord: UInt32 { lock.load32(Int(sharedmem_lock_at_lock_word)) }

    /// Where the lock word is in the lock file, for the futex.
    package static var lockWordOffset: Int { Int(sharedmem_lock_at_lock_word) }

    /// The bit that says that somebody sleeps on the word, or may.
    package static var waitersBit: UInt32 { UInt32(SHAREDMEM_LOCK_WAITERS) }

    /// The session that a lock word names; 0: none.
    package static func owner(of word: UInt32) -> UInt32 { word & UInt32(SHAREDMEM_LOCK_SESSION) }

    /// Whether a lock word will never be free again.
    ///
    /// Model: `retire.pml`.
    package static func isRetired(_ word: UInt32) -> Bool { word == UInt32(SHAREDMEM_LOCK_RETIRED) }

    /// When the word was last taken: ns since the epoch.
    package var lockTakenAt: UInt64 { lock.load(Int(sharedmem_lock_at_taken_at)) }
}
