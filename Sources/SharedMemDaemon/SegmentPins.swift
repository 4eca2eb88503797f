internal import LinuxIPC
internal import SharedMemStore

/// The pins of one segment that the daemon holds for sessions which can't write them, and the mappings for that.
///
/// Nothing in the memory is believed: the files' sizes are the daemon's own, and what is pinned is known here.
final class SegmentPins {
    /// The data file.
    private let data: Mapping
    /// The lock file.
    private let lock: Mapping
    /// What each session holds.
    private var held: [UInt32: Held] = [:]

    /// One session's pin.
    private struct Held {
        /// The session's view of the memory, its geometry checked when it pinned.
        let store: Store
        /// Its slot in the lock file.
        let slot: PinSlot
    }

    /// Maps a segment's files; what isn't touched takes no memory.
    init(of memory: SegmentMemory) throws(Failure) {
        do throws(Errno) {
            data = try Mapping(
                of: memory.data, byteCount: memory.dataByteCount, access: .readWrite, isPrivateToProcess: true)
            lock = try Mapping(
                of: memory.lock, byteCount: memory.lockByteCount, access: .readWrite, isPrivateToProcess: true)
        } catch {
            throw Failure(errno: error, reason: "\(error)")
        }
    }

    /// Pins for a session, unless it has its pin already.
    func pin(_ session: UInt32) throws(Failure) {
        if held[session] != nil { return }
        let store: Store
        do throws(StoreError) {
            store = try unsafe Store(
                data: SharedBytes(data.baseAddress, byteCount: data.byteCount),
                lock: SharedBytes(lock.baseAddress, byteCount: lock.byteCount), session: session)
        } catch {
            throw Failure(errno: .structureNeedsCleaning, reason: "\(error)")
        }
        guard let slot = store.claimPinSlot() else {
            throw Failure(
                errno: .noSpace, reason: "all its pins are taken, expected another attempt when one has ended")
        }
        store.pin(slot)
        held[session] = Held(store: store, slot: slot)
    }

    /// Takes a session's pin away, if it has one.
    func unpin(_ session: UInt32) {
        guard let pin = held.removeValue(forKey: session) else { return }
        pin.store.releasePinSlot(pin.slot)
    }

    /// Why there is no pin to be had.
    struct Failure: Error {
        /// What the client is told.
        let errno: Errno
        /// A sentence without a full stop.
        let reason: String
    }
}
