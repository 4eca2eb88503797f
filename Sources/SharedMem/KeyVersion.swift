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
