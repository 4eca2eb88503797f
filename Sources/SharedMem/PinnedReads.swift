internal import LinuxIPC
internal import SharedMemStore

/// What this process's reads under a pin share: two slots of the lock file, each pinned while any of its reads goes on.
///
/// Reads join the newer pin. When it is older than the reuse epoch and the other slot has no reads left, they pin anew
/// there, so that reads which overlap for ever don't keep an old epoch pinned: nothing is kept longer than by the two
/// longest of them.
final class PinnedReads: Sendable {
    /// One slot.
    private struct Pin {
        /// The slot, once there was a read; nil too if the segment had none left.
        var slot: PinSlot?
        /// Reads that go on.
        var count = 0
        /// The epoch at which it was pinned, if there are any.
        var epoch: UInt64 = 0

        /// Adds a read, which pins if it is the only one; false: there is no slot.
        mutating func join(_ store: Store) -> Bool {
            if slot == nil { slot = store.claimPinSlot() }
            guard let slot else { return false }
            if count == 0 { epoch = store.pin(slot) }
            count += 1
            return true
        }
    }

    /// The two slots, and which of them was pinned last.
    private struct State {
        var pins = [Pin(), Pin()]
        var newer = 0
    }

    /// What a read has pinned.
    struct Token {
        fileprivate let index: Int
    }

    private let store: Store
    private let state = ForkSafeMutex(State())
    /// The process that has the slots.
    private let forkCount = ForkCounter.current

    /// Reads of a store that is attached read-write.
    init(of store: Store) { self.store = store }

    /// Pins; nil: every slot of the segment is taken.
    func begin() -> Token? {
        state.withLock { state in
            let older = 1 - state.newer
            let isStale = state.pins[state.newer].count > 0 && state.pins[state.newer].epoch != store.reuseEpoch
            if isStale, state.pins[older].count == 0, state.pins[older].join(store) {
                state.newer = older
                return Token(index: older)
            }
            return state.pins[state.newer].join(store) ? Token(index: state.newer) : nil
        }
    }

    /// Ends what `begin()` began; in a forked child nothing: the slots are the parent's.
    func end(_ token: Token) {
        guard forkCount == ForkCounter.current else { return }
        state.withLock { state in
            state.pins[token.index].count -= 1
            if state.pins[token.index].count == 0, let slot = state.pins[token.index].slot { store.unpin(slot) }
        }
    }

    /// Gives the slots back; only in the process that claimed them, when no read goes on.
    func releaseSlots() {
        state.withLock { state in
            for pin in state.pins {
                if let slot = pin.slot { store.releasePinSlot(slot) }
            }
            state = State()
        }
    }
}
