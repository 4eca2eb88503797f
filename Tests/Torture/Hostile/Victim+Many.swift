internal import CSharedMem
internal import SharedMemStore
internal import TestSupport

// What an honest user does with several keys at once, or under a pin, or beyond setting bytes.

extension Victim {
    /// Reads a key as of a commit number.
    mutating func sight(_ key: [UInt8], _ store: Store) {
        let capacity = [0, 8, 100, buffers.output.byteCount][below(4)]
        let moment = below(4) == 0 ? random.next() : store.moment
        do throws(StoreError) {
            let sighting = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                let hash = unsafe KeyHash(key, seed: store.geometry.hashSeed)
                store.prefetchBucket(hash)
                store.prefetchRecord(hash)
                return try unsafe store.sight(key, hash, asOf: moment, into: buffers.output.suffix(capacity))
            }
            say("  \(sighting)")
        } catch {
            check(error)
        }
    }

    /// Reads a key in the short way, by its name or by a slot.
    mutating func plainGet(_ key: [UInt8], _ store: Store) {
        let capacity = [0, 8, 100, buffers.output.byteCount][below(4)]
        let hint = [0, 0, store.geometry.indexOffset + 8 * below(64), Int(truncatingIfNeeded: random.next())][below(4)]
        let plain = unsafe withUnsafePointer(to: store) { store in
            unsafe key.span.bytes.withUnsafeBytes { key in
                let buffer = unsafe buffers.output.suffix(capacity)
                if hint == 0 { return unsafe Store.plainGet(store, key, into: buffer) }
                guard let short = unsafe ShortKey(key) else {
                    return unsafe Store.plainGet(store, key, hint: hint, into: buffer)
                }
                return unsafe Store.plainGet(
                    store, hint: hint & ~7, recordOffset: Int(truncatingIfNeeded: random.next()),
                    keyByteCount: short.byteCount, into: buffer
                ) { data, offset in short.isKey(in: data, at: offset) }
            }
        }
        say("  \(plain)")
    }

    /// Sets a key in the short way, by its name or by a slot.
    mutating func plainSet(_ store: Store) {
        let key = HostileSegment.keys[below(HostileSegment.keys.count)]
        let hint = [0, 0, store.geometry.indexOffset + 8 * below(64), Int(truncatingIfNeeded: random.next())][below(4)]
        let count = [0, 1, 30, 64, 100, 300, 1000][below(7)]
        let plain = unsafe withUnsafePointer(to: store) { store in
            unsafe key.span.bytes.withUnsafeBytes { key in
                unsafe Store.plainSet(
                    store, key, hint: hint, to: UnsafeRawBufferPointer(buffers.input.suffix(count)), type: 0, at: 1)
            }
        }
        say("  \(plain)")
    }

    /// Looks at all values where they lie.
    mutating func pin(_ store: Store) {
        guard let slot = store.claimPinSlot() else { return }
        defer { store.releasePinSlot(slot) }
        store.pin(slot)
        for key in HostileSegment.keys {
            do throws(StoreError) {
                let found = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                    try unsafe store.findPinned(key, KeyHash(key, seed: store.geometry.hashSeed))
                }
                guard let found else { continue }
                unsafe store.copy(found, into: buffers.output.suffix(min(buffers.output.byteCount, below(200))))
                let sum = unsafe store.withBytes(of: found) { bytes in
                    unsafe (bytes.first ?? 0) ^ (bytes.last ?? 0)
                }
                say("  \(found.info.byteCount) bytes, \(sum)")
            } catch {
                check(error)
            }
        }
        store.unpin(slot)
    }

    /// Adds to a key.
    mutating func add(_ store: Store) {
        let key = HostileSegment.keys[below(HostileSegment.keys.count)]
        let delta = below(4) == 0 ? Int64.max : 1
        do throws(StoreError) {
            _ = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.add(delta, to: key, at: 1, bootTime: { 0 })
            }
        } catch {
            check(error)
        }
    }

    /// Sets and deletes some keys in one transaction.
    mutating func transact(_ store: Store) {
        var writes: [TransactionWrite] = []
        for _ in 0...below(4) {
            let key = HostileSegment.keys[below(HostileSegment.keys.count)]
            let value = [UInt8](repeating: 2, count: [0, 8, 100, 1000][below(4)])
            writes.append(TransactionWrite(key: key, value: below(4) == 0 ? nil : value))
        }
        let reads =
            below(4) == 0 ? [TransactionRead(key: HostileSegment.keys[below(3)], version: random.next() % 4)] : []
        do throws(StoreError) {
            _ = try store.commit(reads: reads, writes: writes, at: 1, bootTime: { 0 })
        } catch {
            check(error)
        }
    }
}
