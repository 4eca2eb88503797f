/// The moves of segments to a new generation, one at a time.
struct SwitchQueue {
    /// One that is to come.
    struct Switch: Equatable, Sendable {
        /// The segment's id.
        let segmentID: UInt64
        /// Who holds the lock word and never gives it back; nil: it's taken as it comes.
        var owner: UInt32?
    }

    /// One that the worker is at.
    struct Running: Equatable, Sendable {
        /// The segment's id; it may have been removed since.
        let segmentID: UInt64
        /// The generation that is being made.
        let generation: UInt64
        /// Bytes that it takes.
        let byteCount: UInt64
    }

    /// The one that goes on.
    private(set) var running: Running?
    /// Those to come, the next one first.
    private(set) var waiting: [Switch] = []

    /// Whether a segment moves or is about to.
    func contains(_ segmentID: UInt64) -> Bool {
        running?.segmentID == segmentID || waiting.contains { $0.segmentID == segmentID }
    }

    /// Adds one, or tells one that is to come who holds the lock word.
    mutating func insert(_ new: Switch) {
        if let index = waiting.firstIndex(where: { $0.segmentID == new.segmentID }) {
            waiting[index].owner = new.owner ?? waiting[index].owner
        } else if running?.segmentID != new.segmentID {
            waiting.append(new)
        }
    }

    /// Takes the next one out; nil: there is none, or one goes on.
    mutating func next() -> Switch? {
        running == nil && !waiting.isEmpty ? waiting.removeFirst() : nil
    }

    /// Notes that the worker was told to begin.
    mutating func begin(_ switch: Running) { running = `switch` }

    /// Notes that the worker is done.
    mutating func end() { running = nil }

    /// Drops what is to come for a segment.
    mutating func remove(_ segmentID: UInt64) {
        waiting.removeAll { $0.segmentID == segmentID }
    }
}
