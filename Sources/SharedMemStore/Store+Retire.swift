internal import CSharedMem
internal import Synchronization

// The end of a generation: its values move to a new one, and nobody uses it any more. Only the daemon does this. It takes
// the free lock word as a waiter would, or takes the word away from an owner that is abandoned: that one lives and may
// go on storing, so its word becomes RETIRED and is never free again. Either way it copies, then makes the new
// generation the current one in its table, then retires the old one, and only then gives the new one to anybody. Who
// has lost the lock word learns from `retired_at` whether its change was taken along. Model: `retire.pml`.

extension Store {
    /// Bytes of the data file's header, which stays when a retired generation's memory is given back.
    package static var headerByteCount: Int { Int(sharedmem_data_header_size) }

    /// Takes the lock word for the daemon if it is free; returns what stood there, 0 for success.
    ///
    /// A daemon that dies then leaves a word that says recovery, with nothing to repair. `afterWaiting` as in
    /// `tryLock(at:afterWaiting:)`.
    ///
    /// Model: `retire.pml`.
    package func tryLockForDaemon(afterWaiting: Bool = false) -> UInt32 {
        let own = UInt32(SHAREDMEM_LOCK_RECOVERY) | (afterWaiting ? UInt32(SHAREDMEM_LOCK_WAITERS) : 0)
        // SYNC: acquires everything that earlier owners wrote; pairs with `unlock()`.
        return lock.exchangeAcquiring32(expected: 0, desired: own, Int(sharedmem_lock_at_lock_word))
    }

    /// Takes the lock word away for ever from `owner`, which lives and may go on storing; false: it isn't that one's.
    ///
    /// The daemon answers no attach to the segment from before this on until the new generation is the current one.
    ///
    /// Model: `retire.pml`.
    package func retireLock(takingItFrom owner: UInt32) -> Bool {
        let waiters = UInt32(SHAREDMEM_LOCK_WAITERS)
        // The bit may be set while this looks, and is never taken back: the second try sees it.
        for found in [owner, owner | waiters] {
            // SYNC: acquires what the owner wrote; its unlock fails from here on.
            let word = lock.exchangeSequential32(
                expected: found, desired: UInt32(SHAREDMEM_LOCK_RETIRED), Int(sharedmem_lock_at_lock_word))
            if word == found { return true }
        }
        return false
    }

    /// Tells every reader to attach again.
    ///
    /// Model: `retire.pml`.
    package func retireState() {
        data.storeReleasing32(SHAREDMEM_STATE_RETIRED, Int(sharedmem_at_state))
        // SYNC: orders the state before what is copied from here on; pairs with `checkState()`, which comes after a
        // reader's copy: what a reader has seen and believed is seen by the copy, too.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    /// Says for ever that the generation isn't to be used: to readers by its state, to writers by the lock word.
    ///
    /// Only when another generation is the current one in the daemon's table, and again by a daemon that starts and
    /// finds that. The caller then wakes everybody who sleeps on the word. Absolute stores, whatever stands there.
    ///
    /// Model: `retire.pml`.
    package func retire() {
        retireState()
        lock.storeReleasing32(UInt32(SHAREDMEM_LOCK_RETIRED), Int(sharedmem_lock_at_lock_word))
    }

    /// Notes the newest change that the next generation holds.
    ///
    /// Model: `retire.pml`.
    package func noteRetirement(at version: UInt64) {
        // SYNC: before anybody is given the next generation, by a message; pairs with `wasTakenAlong(_:)`.
        lock.storeReleasing(version, Int(sharedmem_lock_at_retired_at))
    }

    /// What an error comes from: memory that is zero because it was given back is not corrupted.
    package func cause(of error: StoreError) -> StoreError {
        guard case .corrupted = error else { return error }
        do throws(StoreError) {
            try checkState()
            return error
        } catch {
            return error
        }
    }

    /// Whether the next generation holds a change that was made here under a lock that was lost.
    ///
    /// Only after the next generation was attached. What isn't there has to be done again.
    ///
    /// Model: `retire.pml`.
    package func wasTakenAlong(_ version: UInt64) -> Bool {
        version <= lock.loadAcquiring(Int(sharedmem_lock_at_retired_at))
    }
}
