/// What a watch has found: which keys have changed, each of them once, with what happened to it last.
public struct SegmentChanges: Sendable {
    /// The changes, in ascending order of their versions; of a listing, the keys that there are, in no order.
    public let changes: [SegmentChange]
    /// Whether these are all keys that there are: what isn't named is gone.
    ///
    /// A watch lists when it was asked to, and when it can't know what has changed: it fell behind, a writer died, or the
    /// segment has moved.
    public let isListing: Bool

    init(changes: [SegmentChange], isListing: Bool) {
        self.changes = changes
        self.isListing = isListing
    }
}

/// What happened to a key last.
public struct SegmentChange: Equatable, Sendable {
    /// What can happen to a key.
    public enum Kind: Equatable, Sendable {
        /// It was set.
        case set
        /// It was deleted, or has expired.
        case deleted
    }

    /// What happened.
    public let kind: Kind
    /// The key's bytes.
    public let key: [UInt8]
    /// The version that the key has since then.
    public let version: UInt64

    package init(kind: Kind, key: [UInt8], version: UInt64) {
        self.kind = kind
        self.key = key
        self.version = version
    }
}
