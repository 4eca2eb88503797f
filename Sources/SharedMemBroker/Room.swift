/// What the memory limit leaves.
struct Room: Equatable {
    /// Bytes that all segments together may take.
    let limit: UInt64
    /// Bytes that one more may take.
    let available: UInt64
    /// Whether room for a new generation of the largest segment is kept back.
    let keepsSwitchRoom: Bool

    /// Subtracts from `limit` what is charged, and what a switch that goes on takes, or the one of the largest segment would
    /// take; nil: nothing is kept back for that.
    init(limit: UInt64, charged: UInt64, switching: UInt64, largest: UInt64?) {
        self.limit = limit
        keepsSwitchRoom = largest != nil
        let free = limit - min(limit, charged)
        guard let largest else {
            available = free - min(free, switching)
            return
        }
        // A new one that is larger than all others is the largest.
        let kept = max(largest, switching)
        let half = free / 2 / ByteCount.pageByteCount * ByteCount.pageByteCount
        available = half >= kept ? half : free - min(free, kept)
    }
}
