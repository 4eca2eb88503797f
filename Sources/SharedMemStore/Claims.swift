/// Which granules of a heap belong to what was seen so far: a bitmap in private memory.
struct Claims {
    private var words: [UInt64]
    private let granuleCount: Int

    /// Nothing is claimed yet.
    init(granuleCount: Int) {
        self.granuleCount = granuleCount
        words = [UInt64](repeating: 0, count: (granuleCount + 63) / 64)
    }

    /// Claims granules counted from the heap's start; false: one is claimed already or outside.
    mutating func claim(_ start: Int, count: Int) -> Bool {
        guard start >= 0, count >= 1, count <= granuleCount - start else { return false }
        for granule in start..<start + count {
            let mask: UInt64 = 1 << UInt64(granule & 63)
            if words[granule / 64] & mask != 0 { return false }
            words[granule / 64] |= mask
        }
        return true
    }

    /// Whether a granule belongs to something.
    func isClaimed(_ granule: Int) -> Bool { words[granule / 64] >> UInt64(granule & 63) & 1 == 1 }
}
