internal import SharedMem

extension Segment {
    /// Gathers the keys that begin with `prefix`, in the order of their bytes, each once.
    ///
    /// The segment lists keys in no order, and one that is deleted and set again meanwhile may come twice.
    func sortedKeys(prefix: [UInt8] = []) throws(SharedMemError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        var cursor: UInt64 = 0
        while let key = try nextKey(after: &cursor) {
            if key.starts(with: prefix) { keys.append(key) }
        }
        keys.sort { $0.lexicographicallyPrecedes($1) }
        var last: [UInt8]?
        keys.removeAll { key in
            defer { last = key }
            return key == last
        }
        return keys
    }
}
