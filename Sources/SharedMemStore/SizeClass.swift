/// A list of free blocks of about one size: two-level segregated fit.
///
/// Source: M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a New Dynamic Memory Allocator for Real-Time Systems",
/// ECRTS 2004. First level: powers of two; second level: each cut in 16 linear steps. Sizes are in granules; below 16
/// every size has a list of its own.
struct SizeClass: Equatable {
    /// The power of two, 0 for sizes below 16.
    let first: Int
    /// The step.
    let second: Int

    static var firstCount: Int { 29 }
    static var secondCount: Int { 16 }

    @inline(__always)
    init(first: Int, second: Int) {
        self.first = first
        self.second = second
    }

    /// The list that a block of `granuleCount` (1 to 2^32 - 1) granules belongs to.
    @inline(__always)
    init(holding granuleCount: Int) {
        if granuleCount < 16 {
            first = 0
            second = granuleCount
        } else {
            let power = Int.bitWidth &- 1 &- granuleCount.leadingZeroBitCount
            first = power &- 3
            second = (granuleCount &>> (power &- 4)) & 15
        }
    }

    /// The first list all of whose blocks have at least `granuleCount` granules.
    @inline(__always)
    init(fitting granuleCount: Int) {
        if granuleCount < 16 {
            self.init(holding: granuleCount)
        } else {
            let power = Int.bitWidth &- 1 &- granuleCount.leadingZeroBitCount
            self.init(holding: granuleCount &+ (1 &<< (power &- 4)) &- 1)
        }
    }
}
