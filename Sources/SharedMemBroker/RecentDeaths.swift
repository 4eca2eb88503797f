/// The sessions that died last: a lock word that was looked at before it was repaired may still name one.
struct RecentDeaths {
    /// Their ids, the last one last.
    private(set) var ids: [UInt32] = []
    /// How many are remembered.
    private let limit: Int

    /// Remembers `limit` of them.
    init(limit: Int) {
        self.limit = limit
    }

    /// Remembers one.
    mutating func insert(_ id: UInt32) {
        forget(id)
        ids.append(id)
        if ids.count > limit { ids.removeFirst(ids.count - limit) }
    }

    /// Forgets one; false: it wasn't remembered.
    @discardableResult mutating func forget(_ id: UInt32) -> Bool {
        guard let index = ids.firstIndex(of: id) else { return false }
        ids.remove(at: index)
        return true
    }
}
