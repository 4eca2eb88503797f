internal import CSharedMem

// What only the daemon does to a generation in use: it repairs what a dead writer has left, and looks after the pins of
// the dead. Models: `lock.pml` and `write.pml`.

/// What was done about a dead session.
package enum Repair: Equatable, Sendable {
    /// The lock word wasn't its own.
    case notOwner
    /// The word was its own, what it left half-done is done or undone, and the word is free.
    case repaired(Recovery)
}

/// Who has the lock word, as the word says: only to be told, never to be believed.
package struct LockHolder: Equatable, Sendable {
    /// How the word is held.
    package enum State: Equatable, Sendable {
        /// Nobody has it.
        case free
        /// A session has it.
        case owned(session: UInt32)
        /// The daemon repairs, or was in the middle of it when it ended.
        case recovering
        /// It will never be free again.
        case retired
    }

    /// How the word is held.
    package let state: State
    /// When it was last taken: ns since the epoch, by the word of whoever took it.
    package let takenAt: UInt64
}

extension Store {
    /// Who has the lock word.
    package var lockHolder: LockHolder {
        let word = lockWord
        let state: LockHolder.State
        switch word & ~Self.waitersBit {
        case UInt32(SHAREDMEM_LOCK_RETIRED): state = .retired
        case let word where word & UInt32(SHAREDMEM_LOCK_RECOVERY) != 0: state = .recovering
        case 0: state = .free
        case let session: state = .owned(session: session)
        }
        return LockHolder(state: state, takenAt: lockTakenAt)
    }

    /// Does for a dead session all that it can't do any more: gives its pins and the lock word back.
    ///
    /// Whatever comes of it, the caller then wakes everybody who sleeps on the word: a wake-up dies with its waker.
    /// Throws `corrupted` if what the session left can be neither finished nor undone: the word stays the daemon's, and
    /// the values have to move to a new generation.
    package func repair(_ session: UInt32) throws(StoreError) -> Repair {
        clearPins(of: session)
        guard takeOver(from: session) else { return .notOwner }
        return .repaired(try repairAsOwner())
    }

    /// Repairs again what a daemon had begun to repair when it ended, and frees the word.
    ///
    /// Only if the lock word says that it is being repaired; throws and wakes as `repair(_:)`.
    package func repairAgain() throws(StoreError) -> Recovery { try repairAsOwner() }

    /// Repairs, says what the ring may lack, and frees the word.
    ///
    /// Model: `watch.pml`.
    private func repairAsOwner() throws(StoreError) -> Recovery {
        let outcome = try recover()
        // Before the word is free: the next writer takes the ring as it finds it, and the dead one may have noted a part of
        // its change.
        if !has(.gapAfterRepair) { noteGap(commitNumber) }
        endRecovery()
        return outcome
    }
}
