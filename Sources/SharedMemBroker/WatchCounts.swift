internal import SharedMemProtocol

/// How many sessions watch each of a segment's notify words.
///
/// What is added and taken away costs as much as it has words, however many sessions and words there are.
struct WatchCounts: Equatable, Sendable {
    /// By the stripe, the segment's own word last; empty: nobody ever watched.
    private var counts: [UInt32] = []
    /// The words that somebody watches.
    private(set) var words = WatchSet()

    /// Where the count of the segment's own word is.
    private static var segmentIndex: Int { UInt64.bitWidth }

    /// Counts a session that watches these from now on.
    mutating func add(_ added: WatchSet) {
        if added.isEmpty { return }
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.segmentIndex + 1) }
        Self.forEach(added) { counts[$0] += 1 }
        words = words.union(added)
    }

    /// Counts a session, which was counted, no longer for these.
    mutating func remove(_ removed: WatchSet) {
        var unwatched = WatchSet()
        Self.forEach(removed) { index in
            counts[index] -= 1
            guard counts[index] == 0 else { return }
            if index == Self.segmentIndex { unwatched.segment = true } else { unwatched.stripes |= 1 << UInt64(index) }
        }
        words = words.subtracting(unwatched)
    }

    /// Calls `body` with the index of each word.
    private static func forEach(_ set: WatchSet, _ body: (Int) -> Void) {
        var rest = set.stripes
        while rest != 0 {
            body(rest.trailingZeroBitCount)
            rest &= rest &- 1
        }
        if set.segment { body(segmentIndex) }
    }

    /// Whether this is what comes of adding these sets.
    func isSum(of sets: [WatchSet]) -> Bool {
        if sets.isEmpty { return words.isEmpty && counts.allSatisfy { $0 == 0 } }
        var sum = WatchCounts()
        for set in sets { sum.add(set) }
        return sum == self
    }
}
