internal import LinuxIPC
internal import SharedMemStore

/// What this process's reads under a pin share: one slot of the lock file, pinned while any of them goes on.
///
/// The pin stays at the epoch of the read that began first, which keeps what the others found as well.
final class PinnedReads: Sendable {
    private struct State {
        /// The slot, once there was a read.
        var slot: PinSlot?
        /// Reads that go on.
        var count = 0
    }

    private let store: Store
    private let state = ForkSafeMutex(State())

    /// Reads of a store that is attached read-write.
    init(of store: Store) { self.store = store }

    /// Pins; false: every slot of the segment is taken.
    func begin() -> Bool {
        state.withLock { state in
            if state.slot == nil { state.slot = store.claimPinSlot() }
            guard let slot = state.slot else { return false }
            if state.count == 0 { store.pin(slot) }
            state.count += 1
            return true
        }
    }

    /// Ends what `begin()` began.
    func end() {
        state.withLock { state in
            state.count -= 1
            if state.count == 0, let slot = state.slot { store.unpin(slot) }
        }
    }

    /// Gives the slot back; only in the process that claimed it, when no read goes on.
    func releaseSlot() {
        state.withLock { state in
            if let slot = state.slot { store.releasePinSlot(slot) }
            state.slot = nil
        }
    }
}
