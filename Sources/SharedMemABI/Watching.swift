public import CSharedMem
internal import LinuxIPC
internal import SharedMem

// sharedmem.h: watching. What each function promises stands there.

/// Waits for a newer version of a key.
@c @implementation
public func sharedmem_wait(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ after_version: UInt64,
    _ timeout_ms: Int32, _ ret_version: UnsafeMutablePointer<UInt64>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length) else { return Errno.invalidArgument.outcome }
        do throws(SharedMemError) {
            let found = try unsafe segment.wait(for: key.copy, after: after_version, timeout: duration(timeout_ms))
            guard let found else { return Errno.timedOut.outcome }
            unsafe ret_version?.pointee = found.version
            return 0
        } catch {
            return error.outcome
        }
    }
}

/// A time-out of C; nil: for ever.
private func duration(_ milliseconds: Int32) -> Duration? {
    milliseconds < 0 ? nil : .milliseconds(Int64(milliseconds))
}

/// A watch behind a handle, which hands its changes out one by one.
private final class HeldWatch: Sendable {
    let watch: Watch
    /// Ends all waits.
    let cancellation = WaitCancellation()
    private let pending = ForkSafeMutex(Pending())

    /// Changes that were found together and aren't handed out yet.
    private struct Pending {
        var changes: [SegmentChange] = []
        /// How many of them were.
        var position = 0
        /// Whether they are all keys that there are.
        var isListing = false
        /// Whether that is still to be said.
        var isAnnounced = true
    }

    init(_ watch: Watch) { self.watch = watch }

    /// Whether some aren't handed out yet.
    var hasPending: Bool { pending.withLock { !$0.isAnnounced || $0.position < $0.changes.count } }

    /// The next one that is there, as C has it; nil: none is.
    func next() -> sharedmem_change? {
        pending.withLock { pending in
            var change = sharedmem_change()
            if !pending.isAnnounced {
                pending.isAnnounced = true
                change.kind = UInt32(SHAREDMEM_CHANGED_LISTING)
                return change
            }
            guard pending.position < pending.changes.count else { return nil }
            let found = pending.changes[pending.position]
            pending.position += 1
            if pending.position == pending.changes.count {
                pending.changes = []
                pending.position = 0
            }
            change.version = found.version
            change.kind = UInt32(
                found.kind == .deleted
                    ? SHAREDMEM_CHANGED_DELETED : pending.isListing ? SHAREDMEM_CHANGED_LISTED : SHAREDMEM_CHANGED_SET)
            change.key_length = UInt32(truncatingIfNeeded: found.key.count)
            unsafe withUnsafeMutableBytes(of: &change.key) { bytes in
                for (index, byte) in found.key.enumerated() where index < bytes.count { unsafe bytes[index] = byte }
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
        pending.withLock { pending in
            if found.isListing {
                // What came before it is in it.
                pending = Pending(changes: found.changes, isListing: true, isAnnounced: false)
            } else {
                if pending.position == pending.changes.count { pending.isListing = false }
                pending.changes += found.changes
            }
        }
    }
}

/// Watches a key or a prefix.
@c @implementation
public func sharedmem_watch_open(
    _ segment: OpaquePointer?, _ key: UnsafeRawPointer?, _ key_length: Int, _ flags: UInt32,
    _ ret_watch: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
    unsafe with(segment) { (segment: Segment) in
        guard let key = unsafe ForeignBytes(key, key_length), let target = unsafe ret_watch else {
            return Errno.invalidArgument.outcome
        }
        guard flags & ~(SHAREDMEM_WATCH_PREFIX | SHAREDMEM_WATCH_INITIAL) == 0 else {
            return Errno.protocolNotSupported.outcome
        }
        let isInitial = flags & SHAREDMEM_WATCH_INITIAL != 0
        return outcome { () throws(SharedMemError) in
            let watch: Watch
            if flags & SHAREDMEM_WATCH_PREFIX != 0 {
                watch = try unsafe segment.watch(prefix: key.copy, listingFirst: isInitial)
            } else {
                watch = try unsafe segment.watch(key.copy, after: isInitial ? 0 : nil)
            }
            unsafe target.pointee = handle(of: HeldWatch(watch))
        }
    }
}

/// Waits for the next change.
@c @implementation
public func sharedmem_watch_next(
    _ watch: OpaquePointer?, _ timeout_ms: Int32, _ ret_change: UnsafeMutablePointer<sharedmem_change>?
) -> Int32 {
    unsafe with(watch) { (held: HeldWatch) in
        guard let target = unsafe Wanted(ret_change, size: ret_change?.pointee.size) else {
            return Errno.invalidArgument.outcome
        }
        let deadline = Watch.deadline(in: duration(timeout_ms))
        do throws(SharedMemError) {
            while true {
                if held.cancellation.isCancelled { return Errno.cancelled.outcome }
                if var change = held.next() {
                    // Who sleeps on the descriptor between two calls is to be told of the rest.
                    if held.hasPending { held.watch.remind() }
                    change.size = unsafe target.size
                    unsafe target.store(change)
                    return 0
                }
                // Another thread may have found what this one didn't.
                if try held.look(until: deadline) || held.hasPending { continue }
                return held.cancellation.isCancelled ? Errno.cancelled.outcome : Errno.timedOut.outcome
            }
        } catch {
            return error.outcome
        }
    }
}

/// Ends all waits of a watch.
@c @implementation
public func sharedmem_watch_cancel(_ watch: OpaquePointer?) {
    _ = unsafe with(watch) { (held: HeldWatch) in
        held.cancellation.cancel()
        return 0
    }
}

/// A descriptor for an event loop.
@c @implementation
public func sharedmem_watch_descriptor(_ watch: OpaquePointer?) -> Int32 {
    unsafe with(watch) { (held: HeldWatch) in
        do throws(SharedMemError) {
            return try held.watch.eventDescriptor()
        } catch {
            return error.outcome
        }
    }
}

/// Gives a watch up.
@c @implementation
public func sharedmem_watch_close(_ watch: OpaquePointer?) { unsafe free(watch, HeldWatch.self) }
