internal import SharedMemStore

extension Transaction {
    /// A key of a transaction.
    struct Entry {
        /// The key.
        let key: [UInt8]
        /// The version that the key must have at the commit, 0: it must not exist; nil: any.
        var expected: UInt64?
        /// What was read; nil: nothing was.
        var reading: Reading?
        /// What the commit does to the key; nil: nothing.
        var change: TransactionWrite?

        /// An entry of a key that nothing is known of.
        init(key: [UInt8]) { self.key = key }

        /// Reads the key as of `moment`; nil: it has changed since.
        ///
        /// Model: `many.pml`.
        func read(asOf moment: UInt64, in store: Store) throws(StoreError) -> Reading? {
            let hash = unsafe key.span.bytes.withUnsafeBytes { unsafe KeyHash($0, seed: store.geometry.hashSeed) }
            let copied = try unsafe CopiedBytes<Sighting>.sighted(key.span.bytes, hash, asOf: moment, in: store)
            switch copied.info {
            case .found(let info, _):
                if info.hasExpired { return Reading(moment: moment, version: 0, value: nil) }
                let value = CopiedBytes(bytes: copied.bytes, info: ValueType(rawValue: info.type))
                return Reading(moment: moment, version: info.version, value: value)
            case .absent: return Reading(moment: moment, version: 0, value: nil)
            case .changed: return nil
            }
        }
    }

    /// What was read of a key.
    struct Reading {
        /// The commit number that it belongs to.
        let moment: UInt64
        /// Its version; 0: there is no such key.
        let version: UInt64
        /// Its value; nil: there is no such key.
        let value: CopiedBytes<ValueType>?
    }
}
