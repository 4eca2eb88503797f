public import SharedMem

/// The changes of a key, or of the keys with a prefix, as they come.
///
/// Changes coalesce while nobody takes them: of each key the last one comes, and that always comes. Ends when the task is
/// cancelled; throws when the segment can't be watched any more (removed, or its daemon is gone for longer than the grace
/// time), and may be iterated again after that. One loop at a time: several share the changes between them.
public struct ChangeSequence: AsyncSequence, Sendable {
    /// What one step brings.
    public typealias Element = SegmentChanges
    /// What a step throws.
    public typealias Failure = SharedMemError

    private let watch: Watch
    private let bell: Bell

    init(_ watch: Watch) throws(SharedMemError) {
        let bell = Bell()
        try watch.onChange { bell.ring() }
        self.watch = watch
        self.bell = bell
    }

    /// Takes changes, one step at a time.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let watch: Watch
        fileprivate let bell: Bell

        /// Waits until something has changed; nil: the task was cancelled.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(SharedMemError) -> SegmentChanges? {
            while !Task.isCancelled {
                // Silenced before the look: what changes behind it rings again.
                bell.silence()
                if let changes = try watch.poll() { return changes }
                await bell.waitUntilItRings()
            }
            return nil
        }

        /// The same for a caller that names no actor.
        public mutating func next() async throws(SharedMemError) -> SegmentChanges? {
            try await next(isolation: nil)
        }
    }

    /// Begins with what has changed since the sequence was made, or since the last loop.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(watch: watch, bell: bell) }
}

extension Segment {
    /// The changes of `key` from `version` on; nil: from now on.
    ///
    /// Begins to watch at once, and does so as long as the sequence is there; as `watch(_:after:)`. A thread of the library
    /// sleeps for all sequences of the process, so that none of the program's is blocked.
    public func changes(
        of key: some SegmentKey, after version: UInt64? = nil
    ) throws(SharedMemError) -> ChangeSequence {
        try ChangeSequence(watch(key, after: version))
    }

    /// The changes of all keys that begin with `prefix`, from now on; the empty prefix: of every key.
    ///
    /// With `listingFirst`, the first element says which keys there are; as `watch(prefix:listingFirst:)`. An element whose
    /// `isListing` is true may come later, too, when it can't be known what has changed.
    public func changes(
        prefix: some SegmentKey, listingFirst: Bool = false
    ) throws(SharedMemError) -> ChangeSequence {
        try ChangeSequence(watch(prefix: prefix, listingFirst: listingFirst))
    }
}
