/// The order of values by a number of each.
enum Ranking {
    /// The indices of `ranks` in ascending order of what stands there; equal ones stay as they are.
    ///
    /// One function for all: each `sort` with a comparison of its own would add 4 KB of code to the C library.
    @inline(never)
    static func order(of ranks: [UInt64]) -> [Int] {
        var order = [Int](ranks.indices)
        order.sort { ranks[$0] < ranks[$1] }
        return order
    }
}
