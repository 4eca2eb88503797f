internal import SharedMemStore

/// A standing interest in a key, or in all keys that begin with a prefix: it says what has changed since it was asked last.
///
/// Changes coalesce: of each key the last one comes, and that always comes. Works through a read-only handle as well. May
/// be used by many threads at once: each change is told to one of them. While it exists, a set of what is watched makes
/// system calls; it's given up when the object goes. After a `fork` the child's copy goes on by itself, from where the
/// parent's was.
public final class Watch: Sendable {
    private let watcher: Watcher

    init(_ watcher: Watcher) { self.watcher = watcher }

    deinit { watcher.end() }

    /// Waits until something has changed and returns it; nil: the time passed, or it was called off.
    ///
    /// Sleeps without costs to anybody. While the daemon is away it goes on, the segment's `graceTime` at most; after the
    /// segment has moved or was lost it goes on with the new one. `timeout` nil: for ever; zero: doesn't wait. Throws
    /// `notConnected`, `removed`, or why the new memory can't be attached.
    public func next(
        timeout: Duration? = nil, cancellation: WaitCancellation? = nil
    ) throws(SharedMemError) -> SegmentChanges? {
        try watcher.next(deadline: Deadline.moment(in: timeout), cancellation: cancellation)
    }

    /// What has changed; nil: nothing.
    ///
    /// Doesn't wait for changes; asks the daemon only if the segment has moved, or if a writer has kept a value that has
    /// expired from being deleted for a second. Throws as `next(timeout:cancellation:)`.
    public func poll() throws(SharedMemError) -> SegmentChanges? { try watcher.poll() }

    /// A descriptor, for `poll(2)` or an event loop, that is readable when `poll()` may find something; `poll()` clears it.
    ///
    /// It's readable at first. The watch owns it: don't read, write or close it. The first one starts a thread, which sleeps
    /// for all watches of the process and ends with the last of them; a forked child has to ask for one of its own. Throws
    /// `systemCall`.
    public func eventDescriptor() throws(SharedMemError) -> Int32 { try watcher.eventDescriptor() }

    /// Looks for changes until the moment `deadline`, 0: once; false: there were none, or it was called off, or recalled
    /// since `mark`.
    ///
    /// For who keeps them for several threads: `body` gets what was found in the order in which the threads find it.
    package func next(
        deadline: UInt64, cancellation: WaitCancellation, mark: UInt32, _ body: (SegmentChanges) -> Void
    ) throws(SharedMemError) -> Bool {
        if deadline == 0 { return try watcher.poll(body) != nil }
        return try watcher.next(deadline: deadline, cancellation: cancellation, mark: mark, body) != nil
    }

    /// The moment that `timeout` ends at, as `next(deadline:cancellation:mark:_:)` takes it.
    package static func deadline(in timeout: Duration?) -> UInt64 {
        timeout == .zero ? 0 : Deadline.moment(in: timeout)
    }

    /// Makes the event descriptor readable, for who keeps changes that aren't handed out yet.
    package func remind() { watcher.ring() }

    /// Calls `body` when `poll()` may find something, once at first; it must neither block nor poll itself.
    package func onChange(_ body: @escaping @Sendable () -> Void) throws(SharedMemError) {
        try watcher.onChange(body)
    }

    /// Whether the thread runs that sleeps for all watches of this process; for tests.
    package static var isThreadRunning: Bool { SleepingThread.shared.isRunning }
}

extension Segment {
    /// Watches a key, from `version` on; nil: from now on.
    ///
    /// Costs one round trip to the daemon. A change is the key's newest one; the absence of a key has the version of its
    /// deletion, or of another key's. Expiry is as with `wait(for:after:timeout:cancellation:)`. Throws `keyTooLong`,
    /// `notConnected`, `removed`, or `versionSkew` if the daemon doesn't know how to watch.
    public func watch(_ key: some SegmentKey, after version: UInt64? = nil) throws(SharedMemError) -> Watch {
        let bytes = Self.bytes(of: key)
        guard bytes.count <= Self.keyLimit else { throw SharedMemError(.keyTooLong(bytes.count), segment: name) }
        return Watch(try Watcher(self, KeyProgress(key: bytes, after: version)))
    }

    /// Watches all keys that begin with `prefix`, from now on; the empty prefix: every key.
    ///
    /// With `listingFirst` the first thing it says is which keys there are. While anybody watches in this way, each change
    /// of the segment is noted in a ring, which costs its writer some nanoseconds and system calls. Costs and throws as
    /// `watch(_:after:)`; a listing costs time in proportion to the index.
    public func watch(prefix: some SegmentKey, listingFirst: Bool = false) throws(SharedMemError) -> Watch {
        let bytes = Self.bytes(of: prefix)
        guard bytes.count <= Self.keyLimit else { throw SharedMemError(.keyTooLong(bytes.count), segment: name) }
        return Watch(try Watcher(self, RingProgress(prefix: bytes, listingFirst: listingFirst)))
    }

    private static func bytes(of key: some SegmentKey) -> [UInt8] {
        key.withKeyBytes { key in unsafe key.withUnsafeBytes { unsafe [UInt8]($0) } }
    }
}
