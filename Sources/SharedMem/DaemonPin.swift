internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// A pin that the daemon holds for this process's reads of a generation that it has mapped read-only.
///
/// The first read asks for it and the last one gives it back, each with one round trip; reads join it in between until
/// the reuse epoch moves. From then on new reads do without, so that reads which overlap for ever don't keep an old epoch
/// pinned: nothing is kept longer than by the longest read that has joined.
final class DaemonPin: Sendable {
    /// What the reads share.
    private struct State {
        /// Reads that go on.
        var count = 0
        /// The epoch right after it was pinned, if there are any.
        var epoch: UInt64 = 0
    }

    private let store: Store
    private let session: Session
    private let lineage: Lineage
    private let segmentID: UInt64
    private let state = ForkSafeMutex(State())

    /// Bytes from which on a lent value is pinned, not copied: two round trips cost what copying so many does.
    static var worthwhileByteCount: Int { 4 << 20 }

    /// Reads of a store, whose segment `session` has attached as `lineage`.
    init(of store: Store, segmentID: UInt64, session: Session, lineage: Lineage) {
        self.store = store
        self.segmentID = segmentID
        self.session = session
        self.lineage = lineage
    }

    /// Pins; false: there is no pin to be had.
    func begin() -> Bool {
        state.withLock { state in
            if state.count == 0 {
                guard store.has(.daemonNotAsked) || session.pin(segmentID, of: lineage) else {
                    return false
                }
                state.epoch = store.reuseEpoch
            } else if state.epoch != store.reuseEpoch {
                return false
            }
            state.count += 1
            return true
        }
    }

    /// Ends what `begin()` began.
    func end() {
        state.withLock { state in
            state.count -= 1
            if state.count == 0 { session.unpin(segmentID, of: lineage) }
        }
    }
}
