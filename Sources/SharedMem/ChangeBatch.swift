internal import SharedMemStore

/// Changes that are gathered for one who watches: of each key the last.
struct ChangeBatch {
    private(set) var changes: [SegmentChange] = []
    /// Where the change of a key stands, plus 1, at the hash's place or behind; 0: free.
    private var places = [Int](repeating: 0, count: 64)
    private var hasMerged = false

    /// Keys at most, so that a batch's memory is bounded.
    static var limit: Int { 1024 }

    /// Whether there is no room for another key.
    var isFull: Bool { changes.count >= Self.limit }

    /// Adds a change, which replaces an earlier one of the same key.
    mutating func add(_ change: SegmentChange) {
        if (changes.count + 1) * 2 > places.count { grow() }
        let place = place(of: change.key)
        if places[place] == 0 {
            changes.append(change)
            places[place] = changes.count
        } else {
            changes[places[place] - 1] = change
            hasMerged = true
        }
    }

    /// The changes in ascending order of their versions.
    consuming func sorted() -> [SegmentChange] {
        guard hasMerged else { return changes }
        return Ranking.order(of: changes.map { $0.version }).map { changes[$0] }
    }

    /// Where a key stands, or would stand.
    private func place(of key: [UInt8]) -> Int {
        let hash = unsafe key.withUnsafeBytes { unsafe KeyHash($0, seed: 0).bits }
        var place = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[place] != 0, changes[places[place] - 1].key != key { place = (place + 1) & (places.count - 1) }
        return place
    }

    private mutating func grow() {
        places = [Int](repeating: 0, count: places.count * 2)
        for index in changes.indices { places[place(of: changes[index].key)] = index + 1 }
    }
}
