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
                let mark = held.mark
                if held.isCancelled {
                    // A look that was under way may have made the descriptor unreadable.
                    held.tellOfEnd()
                    return Errno.cancelled.outcome
                }
                if var change = held.next() {
                    // Who sleeps on the descriptor between two calls is to be told of the rest.
                    if held.hasPending { held.watch.remind() }
                    change.size = unsafe target.size
                    unsafe target.store(change)
                    return 0
                }
                // Another thread may have found what this one didn't, or ended it.
                if try held.look(until: deadline, since: mark) || held.hasPending || held.mark != mark { continue }
                return Errno.timedOut.outcome
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
        held.cancel()
        return 0
    }
}

/// A descriptor for an event loop.
@c @implementation
public func sharedmem_watch_descriptor(_ watch: OpaquePointer?) -> Int32 {
    unsafe with(watch) { (held: HeldWatch) in
        do throws(SharedMemError) {
            return try held.eventDescriptor()
        } catch {
            return error.outcome
        }
    }
}

/// Gives a watch up.
@c @implementation
public func sharedmem_watch_close(_ watch: OpaquePointer?) { unsafe free(watch, HeldWatch.self) }
