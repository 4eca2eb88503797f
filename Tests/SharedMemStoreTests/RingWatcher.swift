import SharedMemStore

/// Follows a segment's changes as a watcher of everything does: which key has which version.
struct RingWatcher {
    /// What is known: the version of each key that is there.
    private(set) var versions: [[UInt8]: UInt64] = [:]
    /// How often the keys had to be listed again.
    private(set) var listingCount = 0
    /// The lowest version that the ring has told of since the last listing; nil: none.
    private(set) var oldestTold: UInt64?
    private var cursor: ChangeCursor

    /// Begins with what is in `store` now.
    init(_ store: Store) throws(StoreError) {
        cursor = store.changeCursor()
        try list(store)
    }

    /// Follows the ring to its end.
    mutating func catchUp(_ store: Store) throws(StoreError) {
        while true {
            var key = [UInt8](repeating: 0, count: 512)
            var target = key.mutableSpan
            let read = unsafe target.withUnsafeMutableBytes { unsafe store.nextChange(after: &cursor, into: $0) }
            switch read {
            case .changed(let version, let isDeletion, let byteCount):
                oldestTold = min(oldestTold ?? version, version)
                versions[[UInt8](key[..<byteCount])] = isDeletion ? nil : version
            case .listAgain:
                cursor = store.changeCursor()
                try list(store)
                listingCount += 1
            case .end: return
            }
        }
    }

    private mutating func list(_ store: Store) throws(StoreError) {
        oldestTold = nil
        versions = try store.versions()
    }
}

extension Store {
    /// The version of each key that is there.
    func versions() throws(StoreError) -> [[UInt8]: UInt64] {
        var versions: [[UInt8]: UInt64] = [:]
        for key in try keys() {
            let current = try version(key)
            if current.exists { versions[key] = current.version }
        }
        return versions
    }

    /// The version of a key, or of its absence.
    func version(_ key: [UInt8]) throws(StoreError) -> CurrentVersion {
        try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in try unsafe currentVersion(of: key) }
    }

    /// The index of a key's notify word.
    func notifyIndex(_ key: [UInt8]) -> Int {
        unsafe key.span.bytes.withUnsafeBytes { unsafe notifyIndex(of: $0) }
    }
}
