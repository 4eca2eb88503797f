/// Issues session ids, none of them twice at the same time.
struct SessionIDs {
    /// The ids that are in use.
    private(set) var live: Set<UInt32> = []
    /// The most ids that may be in use.
    let limit: Int
    /// The numbers that may be ids.
    private let numbers: Range<UInt32>
    /// The number to try next.
    private var next: UInt32

    /// Starts to count at `first`, or at the lowest of `numbers` if that isn't one of them.
    init(numbers: Range<UInt32>, first: UInt32, limit: Int) {
        self.numbers = numbers
        self.limit = min(limit, numbers.count)
        next = numbers.contains(first) ? first : numbers.lowerBound
    }

    /// Takes the next id that isn't in use; nil: the limit is reached.
    mutating func issue() -> UInt32? {
        guard live.count < limit else { return nil }
        while live.contains(next) { advance() }
        let id = next
        live.insert(id)
        advance()
        return id
    }

    /// Takes an id back.
    mutating func retire(_ id: UInt32) {
        live.remove(id)
    }

    /// Steps to the next number, and from the last to the first.
    private mutating func advance() {
        next += 1
        if !numbers.contains(next) { next = numbers.lowerBound }
    }
}
