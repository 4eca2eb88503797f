/// Counts session ids, so that a number comes back late.
struct SessionIDs {
    /// The numbers that may be ids.
    private let numbers: Range<UInt32>
    /// The number to try next.
    private(set) var next: UInt32

    /// Starts to count at `first`, or at the lowest of `numbers` if that isn't one of them.
    init(numbers: Range<UInt32>, first: UInt32) {
        self.numbers = numbers
        next = numbers.contains(first) ? first : numbers.lowerBound
    }

    /// Goes on counting at `number`, unless that can't be an id.
    mutating func resume(at number: UInt32) {
        if numbers.contains(number) { next = number }
    }

    /// Takes the next of the ids that none of `takenCount` has; nil: all are taken.
    mutating func issue(takenCount: Int, isTaken: (UInt32) -> Bool) -> UInt32? {
        for _ in 0...min(takenCount, numbers.count - 1) {
            let id = next
            next = numbers.contains(id + 1) ? id + 1 : numbers.lowerBound
            if !isTaken(id) { return id }
        }
        return nil
    }

    /// Whether a number can be an id.
    func contains(_ number: UInt32) -> Bool { numbers.contains(number) }
}
