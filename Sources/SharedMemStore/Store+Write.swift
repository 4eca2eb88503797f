internal import CSharedMem

// Writing, under the lock word. The new record is made in private memory of the heap first, then published by one store
// of its reference, then the old record goes to limbo, then the commit number moves. A reader sees the old value whole
// or the new one whole, whatever the moment.

extension Store {
    /// Sets `key` to `value` and returns the version; only for the owner of the lock word.
    ///
    /// `time` is the record's written-at: ns since the epoch. Throws `full` or `indexFull` and leaves the old value.
    package func set(
        _ key: UnsafeRawBufferPointer, to value: UnsafeRawBufferPointer, at time: UInt64
    ) throws(StoreError) -> UInt64 {
        guard key.count <= Record.keyLimit else { throw .keyTooLong(key.count) }
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        let old = unsafe try position(of: key, hash)
        let extent = Record.Extent(keyByteCount: key.count, valueByteCount: value.count)
        guard value.count < geometry.heapGranuleCount &* 64, extent.granuleCount <= geometry.heapGranuleCount else {
            throw .valueTooLarge(needed: value.count &+ key.count, available: geometry.heapGranuleCount &* 64)
        }
        let slot: Int
        if let old { slot = old.slotOffset } else { slot = try newSlot(hash) }
        let block = try allocate(granuleCount: extent.granuleCount)
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        unsafe fill(block, extent, key: key, value: value, version: version, time: time)
        publish(Reference(block, version: version), at: slot)
        if let old {
            retire(old.reference.block, granuleCount: old.extent.granuleCount)
        } else {
            countRecords(by: 1)
        }
        commit(version)
        return version
    }

    /// Deletes `key` and returns the version of the deletion; nil: there was no such key.
    ///
    /// Only for the owner of the lock word.
    package func delete(_ key: UnsafeRawBufferPointer) throws(StoreError) -> UInt64? {
        guard key.count <= Record.keyLimit else { throw .keyTooLong(key.count) }
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        guard let old = unsafe try position(of: key, hash) else { return nil }
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        let stripe = Int(sharedmem_at_stripes) &+ hash.stripe &* Int(sharedmem_stripe_size)
        data.store(version, stripe &+ Int(sharedmem_stripe_last_deletion))
        publish(Reference(bits: 0), at: old.slotOffset)
        retire(old.reference.block, granuleCount: old.extent.granuleCount)
        countRecords(by: -1)
        commit(version)
        return version
    }

    /// The keys in the index.
    package var recordCount: Int { Int(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_record_count))) }
}

// MARK: - Steps

extension Store {
    func newSlot(_ hash: KeyHash) throws(StoreError) -> Int {
        guard let slot = prepareSlot(hash) else { throw .indexFull }
        return slot
    }

    /// Writes a record into a block that no reference names.
    @inline(__always)
    func fill(
        _ block: Block, _ extent: Record.Extent, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
        version: UInt64, time: UInt64
    ) {
        let start = block.offset
        data.store(version, start &+ Int(sharedmem_record_version))
        data.store(time, start &+ Int(sharedmem_record_written_at))
        data.store(0, start &+ Int(sharedmem_record_expires_at))
        data.store(extent.lengths, start &+ Int(sharedmem_record_lengths))
        data.store(UInt64(session), start &+ Int(sharedmem_record_session))
        data.store(0, start &+ Int(sharedmem_record_retire_epoch))
        let keyOffset = start &+ Int(sharedmem_record_size)
        if let bytes = key.baseAddress { unsafe data.copyIn(bytes, count: key.count, keyOffset) }
        if let bytes = value.baseAddress {
            unsafe data.copyIn(bytes, count: value.count, keyOffset &+ ((key.count &+ 7) & ~7))
        }
    }

    /// Makes a record (or none) the value of a slot's key, for everybody, by one store.
    @inline(__always)
    func publish(_ reference: Reference, at slotOffset: Int) {
        // SYNC: publishes the record's bytes, its tag and its reach; pairs with the acquiring load of the entry in
        // `attempt(_:_:into:)`.
        data.storeReleasing(reference.bits, slotOffset)
    }

    /// Makes `version` the newest committed change.
    @inline(__always)
    func commit(_ version: UInt64) {
        // SYNC: publishes the change with its number; pairs with readers of many keys, who load the number first.
        data.storeReleasing(version, Int(sharedmem_at_commit_number))
    }

    @inline(__always)
    func countRecords(by difference: Int64) {
        let count = lock.load(Int(sharedmem_lock_at_record_count))
        lock.store(count &+ UInt64(bitPattern: difference), Int(sharedmem_lock_at_record_count))
    }
}
