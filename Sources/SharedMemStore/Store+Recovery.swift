internal import CSharedMem

// Recovery: what a writer that died under the lock left half-done is finished or forgotten. A function of the memory
// alone, in constant time for a single change, in time proportional to its keys for a transaction; every place is checked against private geometry, every loop has a bound,
// every store is absolute: it may be stopped at any of them and run again.

/// What recovery found.
package enum Recovery: Equatable, Sendable {
    /// Nothing was half-done.
    case nothing
    /// A change was published: it stays.
    case finished
    /// A change was not published: it never happened.
    case undone
}

extension Store {
    /// Brings the segment into the state before the last owner's change or after it.
    ///
    /// Only for who has taken the lock word over from a dead owner.
    ///
    /// Models: `write.pml` and `death.pml`.
    package func recover() throws(StoreError) -> Recovery {
        if isSettled { return .nothing }
        try undoOpenGroup()
        var outcome = Recovery.undone
        switch lock.load32(Int(sharedmem_lock_at_intent_state)) {
        case UInt32(SHAREDMEM_INTENT_NONE): break
        case UInt32(SHAREDMEM_INTENT_PUBLISHING):
            let intent = try loadIntent()
            switch data.load(intent.slotOffset) {
            case intent.new.bits:
                finish(intent)
                forgetIntent()
                outcome = .finished
            case intent.old.bits:
                // The block stays taken until it is given back below.
                lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_NONE), Int(sharedmem_lock_at_intent_state))
            default: throw .corrupted(.intent)
            }
        case UInt32(SHAREDMEM_INTENT_TRANSACTION):
            outcome = try recoverTransaction(isAborting: false) ? .finished : .undone
        case UInt32(SHAREDMEM_INTENT_ABORTING):
            _ = try recoverTransaction(isAborting: true)
        default: throw .corrupted(.intent)
        }
        try giveTakenBlockBack()
        return outcome
    }

    /// Gives a block back that was taken from the heap and never published.
    ///
    /// Model: `write.pml`.
    func giveTakenBlockBack() throws(StoreError) {
        let state = lock.load(Int(sharedmem_lock_at_undo_state))
        let block = Block(number: UInt32(truncatingIfNeeded: state >> 32))
        if block == .none { return }
        let count = lock.load32(Int(sharedmem_lock_at_taken_granules))
        var group = UndoGroup(whileTaken: block)
        try giveBack(block, granuleCount: Int(count), &group)
        close(&group)
    }
}
