internal import CLinuxIPC
internal import CSharedMem
internal import LinuxIPC
internal import SharedMem
internal import Synchronization

/// A watch behind a handle, which hands its changes out one by one.
final class HeldWatch: Sendable {
    let watch: Watch
    /// Ends all waits.
    private let cancellation = WaitCancellation()
    private let pending = ForkSafeMutex(Pending())
    /// The event descriptor and, in the upper half, the process that asked for it; `noEvent`: none did.
    private let event = Atomic(HeldWatch.noEvent)

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

    /// What changes when the waits are ended, and when there is more than one thread may take.
    var mark: UInt32 { cancellation.mark }

    /// Looks for more until `deadline`; false: nothing came, or the mark has changed.
    func look(until deadline: UInt64, since mark: UInt32) throws(SharedMemError) -> Bool {
        try watch.next(deadline: deadline, cancellation: cancellation, mark: mark) { add($0) }
    }

    /// Adds what was found, behind what was found before.
    private func add(_ found: SegmentChanges) {
        guard found.foreignCount > 0 else { return }
        pending.withLock { pending in
            // What came before a listing is in it.
            if found.isListing { pending = Pending() }
            pending.batches.append(found)
        }
        // The threads that sleep take their share.
        if found.foreignCount > 1 { cancellation.recall() }
    }
}

// MARK: - The end

extension HeldWatch {
    private static let noEvent = UInt64.max

    /// Whether all waits are to end.
    var isCancelled: Bool { cancellation.isCancelled }

    /// Ends all waits, now and later; may be called in a signal handler.
    func cancel() {
        cancellation.cancel()
        tellOfEnd()
    }

    /// Makes the event descriptor readable, if this process has asked for one; may be called in a signal handler.
    func tellOfEnd() {
        // SYNC: after the end was said; pairs with `eventDescriptor()`, one of the two sees what the other has done.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        let event = event.load(ordering: .relaxed)
        guard event != Self.noEvent, event >> 32 == UInt64(ForkCounter.current) else { return }
        // The program that a signal has interrupted keeps its errno.
        let before = linuxipc_errno()
        _ = linuxipc_signal_event(Int32(truncatingIfNeeded: event))
        linuxipc_set_errno(before)
    }

    /// A descriptor that is readable when there may be something to hand out, and after the end.
    func eventDescriptor() throws(SharedMemError) -> Int32 {
        let descriptor = try watch.eventDescriptor()
        let process = UInt64(ForkCounter.current) << 32
        event.store(process | UInt64(UInt32(bitPattern: descriptor)), ordering: .relaxed)
        // SYNC: before it's asked for the end; pairs with `tellOfEnd()`.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isCancelled { tellOfEnd() }
        return descriptor
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
