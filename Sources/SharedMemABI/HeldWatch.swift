internal import CSharedMem
internal import LinuxIPC
internal import SharedMem

/// A watch behind a handle, which hands its changes out one by one.
final class HeldWatch: Sendable {
    let watch: Watch
    /// Ends all waits.
    let cancellation = WaitCancellation()
    private let pending = ForkSafeMutex(Pending())

    /// What was found and isn't handed out yet.
    private struct Pending {
        /// What was found together, the oldest first.
        var batches: [SegmentChanges] = []
        /// How many changes of the first of them, as C has them, are handed out.
        var position = 0
    }

    init(_ watch: Watch) { self.watch = watch }

    /// Whether some aren't handed out yet.
    var hasPending: Bool { pending.withLock { !$0.batches.isEmpty } }

    /// The next one that is there, as C has it; nil: none is.
    func next() -> sharedmem_change? {
        pending.withLock { pending in
            guard let batch = pending.batches.first else { return nil }
            let change = batch.foreignChange(at: pending.position)
            pending.position += 1
            if pending.position == batch.foreignCount {
                pending.batches.removeFirst()
                pending.position = 0
            }
            return change
        }
    }

    /// Looks for more; false: nothing came until `deadline`, or it was called off.
    func look(until deadline: UInt64) throws(SharedMemError) -> Bool {
        try watch.next(deadline: deadline, cancellation: cancellation) { add($0) }
    }

    /// Adds what was found, behind what was found before.
    private func add(_ found: SegmentChanges) {
        guard found.foreignCount > 0 else { return }
        pending.withLock { pending in
            // What came before a listing is in it.
            if found.isListing { pending = Pending() }
            pending.batches.append(found)
        }
    }
}

extension SegmentChanges {
    /// How many changes C has of it: a listing has a beginning and an end.
    fileprivate var foreignCount: Int { isListing ? changes.count + 2 : changes.count }

    /// One of them, as C has it.
    fileprivate func foreignChange(at position: Int) -> sharedmem_change {
        var change = sharedmem_change()
        let index = isListing ? position - 1 : position
        guard changes.indices.contains(index) else {
            change.kind = UInt32(position == 0 ? SHAREDMEM_CHANGED_LISTING : SHAREDMEM_CHANGED_LISTING_END)
            return change
        }
        let found = changes[index]
        change.version = found.version
        change.kind = UInt32(
            isListing
                ? SHAREDMEM_CHANGED_LISTED
                : found.kind == .deleted ? SHAREDMEM_CHANGED_DELETED : SHAREDMEM_CHANGED_SET)
        change.key_length = UInt32(truncatingIfNeeded: found.key.count)
        unsafe withUnsafeMutableBytes(of: &change.key) { bytes in
            for (index, byte) in found.key.enumerated() where index < bytes.count { unsafe bytes[index] = byte }
        }
        return change
    }
}
