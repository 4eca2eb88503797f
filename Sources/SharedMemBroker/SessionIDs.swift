internal import SharedMemProtocol

/// Issues session ids, none of them twice at the same time.
struct SessionIDs {
    /// The ids that are in use.
    private(set) var live: Set<UInt32> = []
    /// The number to try next.
    private var next: UInt32

    /// Starts to count at `first`, or at 1 if no lock word can hold that.
    init(first: UInt32) {
        next = ProtocolLimits.sessionIDs.contains(first) ? first : ProtocolLimits.sessionIDs.lowerBound
    }

    /// Takes the next id that isn't in use.
    mutating func issue() -> UInt32 {
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

    /// Steps to the next number that fits a lock word.
    private mutating func advance() {
        next += 1
        if !ProtocolLimits.sessionIDs.contains(next) { next = ProtocolLimits.sessionIDs.lowerBound }
    }
}
