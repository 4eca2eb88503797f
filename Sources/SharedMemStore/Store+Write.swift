internal import CSharedMem
internal import Synchronization

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
        guard isSettled else { throw .corrupted(.intent) }
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        let old = unsafe try position(of: key, hash)
        let extent = Record.Extent(keyByteCount: key.count, valueByteCount: value.count)
        guard value.count < geometry.heapGranuleCount &* 64, extent.granuleCount <= geometry.heapGranuleCount else {
            throw .valueTooLarge(needed: value.count &+ key.count, available: geometry.heapGranuleCount &* 64)
        }
        let slot: Int
        if let old { slot = old.slotOffset } else { slot = try newSlot(hash) }
        let allocation = try allocate(granuleCount: extent.granuleCount)
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        let intent = try intent(
            version, slot: slot, old: old, new: Reference(allocation.block, version: version), allocation,
            granuleCount: extent.granuleCount)
        if has(.publishedTooEarly) { publish(intent) }
        unsafe fill(allocation.block, extent, key: key, value: value, version: version, time: time)
        carryOut(intent)
        return version
    }

    /// Deletes `key` and returns the version of the deletion; nil: there was no such key.
    ///
    /// Only for the owner of the lock word.
    package func delete(_ key: UnsafeRawBufferPointer) throws(StoreError) -> UInt64? {
        guard key.count <= Record.keyLimit else { throw .keyTooLong(key.count) }
        guard isSettled else { throw .corrupted(.intent) }
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        guard let old = unsafe try position(of: key, hash) else { return nil }
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        let stripe = Int(sharedmem_at_stripes) &+ hash.stripe &* Int(sharedmem_stripe_size)
        // Before the slot is empty: who finds no key then finds at least this version.
        data.storeReleasing(version, stripe &+ Int(sharedmem_stripe_last_deletion))
        carryOut(
            try intent(version, slot: old.slotOffset, old: old, new: Reference(bits: 0), nil, granuleCount: 0))
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
        // SYNC: orders the epoch that allowed the reuse, moved by whichever writer, before the first byte that is written
        // here; pairs with the acquiring fence in `isValid(_:version:)`.
        atomicMemoryFence(ordering: .releasing)
        let start = block.offset
        data.store(version, start &+ Int(sharedmem_record_version))
        data.store(time, start &+ Int(sharedmem_record_written_at))
        data.store(0, start &+ Int(sharedmem_record_expires_at))
        data.store(extent.lengths, start &+ Int(sharedmem_record_lengths))
        // Link and retire epoch are left alone: the block may be limbo's head until the record is published.
        data.store32(session, start &+ Int(sharedmem_record_session))
        data.store32(0, start &+ Int(sharedmem_record_type))
        let keyOffset = start &+ Int(sharedmem_record_size)
        if let bytes = key.baseAddress { unsafe data.copyIn(bytes, count: key.count, keyOffset) }
        if let bytes = value.baseAddress {
            unsafe data.copyIn(bytes, count: value.count, keyOffset &+ ((key.count &+ 7) & ~7))
        }
    }

    /// The intent of a change: what limbo and the counters will be when it is done.
    @inline(__always)
    private func intent(
        _ version: UInt64, slot: Int, old: Position?, new: Reference, _ allocation: Allocation?, granuleCount: Int
    ) throws(StoreError) -> Intent {
        var head = Block(number: UInt32(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_limbo_head))))
        var tail = Block(number: UInt32(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_limbo_tail))))
        // The old record is linked behind it.
        guard tail == .none || geometry.contains(tail) else { throw .corrupted(.limbo) }
        var granules = lock.load(Int(sharedmem_lock_at_limbo_granules))
        var records = lock.load(Int(sharedmem_lock_at_record_count))
        if let next = allocation?.nextInLimbo {
            head = next
            if next == .none { tail = .none }
            granules &-= UInt64(granuleCount)
        }
        if let old { granules &+= UInt64(old.extent.granuleCount) } else { records &+= 1 }
        if new.isEmpty { records &-= 1 }
        return Intent(
            version: version, slotOffset: slot, old: old?.reference ?? Reference(bits: 0), new: new, limboHead: head,
            limboTail: tail, limboGranuleCount: granules, recordCount: records)
    }

    /// Publishes a change and does what follows from it.
    @inline(__always)
    private func carryOut(_ intent: Intent) {
        announce(intent)
        publish(intent)
        if has(.forgottenTooEarly) { forgetIntent() }
        finish(intent)
        forgetIntent()
    }

    /// Makes a record (or none) the value of a slot's key, for everybody, by one store.
    @inline(__always)
    private func publish(_ intent: Intent) {
        // SYNC: publishes the record's bytes, its tag and its reach; pairs with the acquiring load of the entry in
        // `attempt(_:_:into:)`.
        data.storeReleasing(intent.new.bits, intent.slotOffset)
    }
}
