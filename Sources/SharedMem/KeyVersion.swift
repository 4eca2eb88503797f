internal import SharedMemStore

/// Which version of a key there is, without its value.
public struct KeyVersion: Equatable, Sendable {
    /// The version: what the key was set with, or, if it doesn't exist, at least what it was deleted with.
    public let version: UInt64
    /// Whether the key exists; an expired one doesn't.
    public let exists: Bool

    package init(version: UInt64, exists: Bool) {
        self.version = version
        self.exists = exists
    }
}

extension Segment {
    /// The version of `key`, or of its absence, without its value: to wait after it misses nothing.
    ///
    /// Costs what a get costs. Throws `keyTooLong` or `notConnected`.
    public func version(of key: some SegmentKey) throws(SharedMemError) -> KeyVersion {
        try key.withKeyBytes { (key) throws(SharedMemError) in
            guard key.byteCount <= Self.keyLimit else {
                throw SharedMemError(.keyTooLong(key.byteCount), segment: name)
            }
            let sight = try sight(of: key)
            return KeyVersion(version: sight.current.version, exists: sight.exists)
        }
    }
}
