internal import LinuxIPC
internal import SharedMemStore

// What the daemon does to a generation in use. Each takes a moment only, but for the repair of a transaction, which
// takes time in proportion to its keys.

extension SegmentMemory {
    /// Repairs what a dead session left, clears its pins, and wakes all who sleep on the lock word.
    ///
    /// Throws with `structureNeedsCleaning` if what it left can't be repaired: the lock word stays the daemon's, and
    /// the values have to move to a new generation.
    func repair(_ session: UInt32) throws(Failure) -> Repair {
        try withStore { (store, mapping) throws(StoreError) in
            defer { mapping.wakeLockWaiters() }
            return try store.repair(session)
        }
    }

    /// Repairs again what an earlier daemon began to repair, and wakes all who sleep on the lock word; throws as
    /// `repair(_:)`.
    func repairAgain() throws(Failure) -> Recovery {
        try withStore { (store, mapping) throws(StoreError) in
            defer { mapping.wakeLockWaiters() }
            return try store.repairAgain()
        }
    }

    /// Wakes all who sleep on the lock word: wake-ups die with their wakers.
    func wakeLockWaiters() throws(Failure) { try mapping().wakeLockWaiters() }

    /// Who has the lock word, as it says; only to be told.
    func lockHolder() throws(Failure) -> LockHolder {
        try withStore { (store, _) throws(StoreError) in store.lockHolder }
    }

    /// Who holds pins, as the slots say.
    func pinHolds() throws(Failure) -> [Store.PinHold] {
        try withStore { (store, _) throws(StoreError) in store.pinHolds }
    }

    /// Clears the pins of a session that is gone.
    func clearPins(of session: UInt32) throws(Failure) {
        try withStore { (store, _) throws(StoreError) in store.clearPins(of: session) }
    }
}
