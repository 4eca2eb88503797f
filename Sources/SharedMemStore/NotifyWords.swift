internal import CSharedMem

/// Some of a generation's notify words: those of watch stripes, and the segment's own.
package struct NotifyWords: Equatable, Sendable {
    /// Bit s: the word of stripe s.
    package var stripes: UInt64
    /// Whether the segment's own word is among them: for those who watch a prefix, or everything.
    package var segment: Bool

    package init(stripes: UInt64 = 0, segment: Bool = false) {
        self.stripes = stripes
        self.segment = segment
    }

    /// All there are.
    package static var all: NotifyWords { NotifyWords(stripes: .max, segment: true) }

    /// How many there can be.
    package static var limit: Int { Int(SHAREDMEM_STRIPES) + 1 }

    /// The index of the segment's own word, behind those of the stripes.
    package static var segmentIndex: Int { Int(SHAREDMEM_STRIPES) }

    /// Where the word with this index (0 to 63: a stripe's) is in the data file, for the futex.
    package static func offset(of index: Int) -> Int {
        index == segmentIndex
            ? Int(sharedmem_at_watch_notify) : Int(sharedmem_at_stripes) &+ index &* Int(sharedmem_stripe_size)
    }

    /// Whether there are none.
    package var isEmpty: Bool { stripes == 0 && !segment }

    /// Whether the word with this index is among them.
    package func contains(_ index: Int) -> Bool {
        index == Self.segmentIndex ? segment : stripes >> UInt64(index) & 1 != 0
    }

    /// Calls `body` with the index of each.
    @inline(never)
    package func forEach(_ body: (Int) -> Void) {
        var rest = stripes
        while rest != 0 {
            body(rest.trailingZeroBitCount)
            rest &= rest &- 1
        }
        if segment { body(Self.segmentIndex) }
    }
}
