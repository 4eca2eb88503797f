internal import LinuxIPC
internal import SharedMemStore

/// The pins of one generation that the daemon holds for sessions which can't write them.
///
/// Nothing in the memory is believed: what is pinned is known here.
final class SegmentPins {
    /// The generation.
    private let memory: SegmentMemory
    /// What each session holds.
    private var held: [UInt32: Held] = [:]

    /// One session's pin.
    private struct Held {
        /// The session's view of the memory, which `memory` keeps mapped.
        let store: Store
        /// Its slot in the lock file.
        let slot: PinSlot
    }

    /// No pins yet.
    init(of memory: SegmentMemory) { self.memory = memory }

    /// Pins for a session, unless it has its pin already.
    func pin(_ session: UInt32) throws(SegmentMemory.Failure) {
        if held[session] != nil { return }
        let pinned: Held? = try memory.withStore(session: session) { (store, _) throws(StoreError) in
            guard let slot = store.claimPinSlot() else { return nil }
            store.pin(slot)
            return Held(store: store, slot: slot)
        }
        guard let pinned else {
            throw SegmentMemory.Failure(
                errno: .noSpace, reason: "all its pins are taken, expected another attempt when one has ended")
        }
        held[session] = pinned
    }

    /// Goes on holding the pin that an earlier daemon held for a session; false: there is none.
    func resume(_ session: UInt32) throws(SegmentMemory.Failure) -> Bool {
        let found: Held? = try memory.withStore(session: session) { (store, _) throws(StoreError) in
            let hold = store.pinHolds.first { $0.session == session && $0.isPinned }
            return hold.map { Held(store: store, slot: $0.slot) }
        }
        if let found { held[session] = found }
        return found != nil
    }

    /// Takes a session's pin away, if it has one.
    func unpin(_ session: UInt32) {
        guard let pin = held.removeValue(forKey: session) else { return }
        pin.store.releasePinSlot(pin.slot)
    }
}
