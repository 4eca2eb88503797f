import Synchronization

/// Something that threads tell each other once.
final class Flag: Sendable {
    private let value = Atomic(false)

    /// Whether it was told.
    var isSet: Bool { value.load(ordering: .acquiring) }

    /// Tells it.
    func set() { value.store(true, ordering: .releasing) }
}
