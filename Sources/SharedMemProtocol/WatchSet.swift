/// Some of a segment's notify words: those that somebody watches.
package struct WatchSet: Hashable, Sendable {
    /// Bit s: the word of stripe s, which moves when a key of that stripe changes.
    package var stripes: UInt64
    /// The segment's own word, which moves with every change.
    package var segment: Bool

    /// Names the words of `stripes`, and the segment's own.
    package init(stripes: UInt64 = 0, segment: Bool = false) {
        self.stripes = stripes
        self.segment = segment
    }

    /// Whether it's none of them.
    package var isEmpty: Bool { stripes == 0 && !segment }

    /// The words of both.
    package func union(_ other: WatchSet) -> WatchSet {
        WatchSet(stripes: stripes | other.stripes, segment: segment || other.segment)
    }

    /// The words that aren't in `other`.
    package func subtracting(_ other: WatchSet) -> WatchSet {
        WatchSet(stripes: stripes & ~other.stripes, segment: segment && !other.segment)
    }
}

/// What a session wants to be told of, or not any more.
package struct WatchRequest: Equatable, Sendable {
    /// The segment's id.
    package var segmentID: UInt64
    /// The generation whose words they are.
    package var generation: UInt64
    /// Which words.
    package var words: WatchSet

    package init(segmentID: UInt64, generation: UInt64, words: WatchSet) {
        self.segmentID = segmentID
        self.generation = generation
        self.words = words
    }
}
