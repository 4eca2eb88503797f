/// A set of the operations of a history, of which nearly all before some moment are members and nearly none behind it.
struct OperationSet {
    /// One bit for each operation that returned, in the order of their calls.
    private var returned: [UInt64]
    /// One bit for each that didn't.
    private var pending: [UInt64]
    private let returnedCount: Int
    /// The first word of `returned` that isn't full.
    private var firstOpen = 0
    /// The words of `returned` up to the last one that isn't empty.
    private var usedCount = 0

    /// The set in a few words: those of `returned` that are neither full nor empty, and those between them.
    struct Digest: Hashable {
        private let firstOpen: Int
        private let open: [UInt64]
        private let pending: [UInt64]

        fileprivate init(firstOpen: Int, open: ArraySlice<UInt64>, pending: [UInt64]) {
            self.firstOpen = firstOpen
            self.open = Array(open)
            self.pending = pending
        }
    }

    /// An empty set of operations 0 to `returnedCount` - 1, which returned, and `pendingCount` more.
    init(returnedCount: Int, pendingCount: Int) {
        self.returnedCount = returnedCount
        returned = [UInt64](repeating: 0, count: returnedCount / 64 + 1)
        pending = [UInt64](repeating: 0, count: (pendingCount + 63) / 64)
    }

    /// Equal for equal sets alone.
    var digest: Digest {
        Digest(firstOpen: firstOpen, open: returned[firstOpen..<max(firstOpen, usedCount)], pending: pending)
    }

    /// Makes `operation`, which is no member, one.
    mutating func insert(_ operation: Int) {
        guard operation < returnedCount else { return togglePending(operation) }
        let word = operation / 64
        returned[word] |= 1 << (operation % 64)
        usedCount = max(usedCount, word + 1)
        while returned[firstOpen] == .max { firstOpen += 1 }
    }

    /// Makes `operation`, which is a member, none.
    mutating func remove(_ operation: Int) {
        guard operation < returnedCount else { return togglePending(operation) }
        let word = operation / 64
        returned[word] &= ~(1 << (operation % 64))
        firstOpen = min(firstOpen, word)
        while usedCount > 0, returned[usedCount - 1] == 0 { usedCount -= 1 }
    }

    private mutating func togglePending(_ operation: Int) {
        let index = operation - returnedCount
        pending[index / 64] ^= 1 << (index % 64)
    }
}
