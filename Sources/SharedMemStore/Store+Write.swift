internal import CSharedMem
internal import Synchronization

// Writing, under the lock word. The new record is made in private memory of the heap first, then published by one store
// of its reference, then the old record goes to limbo, then the commit number moves. A reader sees the old value whole
// or the new one whole, whatever the moment.

/// What a set is given beside key and value.
package struct SetOptions: Sendable {
    /// The type tag.
    package var type: UInt8 = 0
    /// ns of CLOCK_BOOTTIME; 0: never.
    package var expiresAt: UInt64 = 0
    /// The version that the key must have, 0: it must not exist; nil: any.
    package var expectedVersion: UInt64?

    package init() {}
}

extension Store {
    /// Sets `key` to `value` and returns the version; only for the owner of the lock word.
    ///
    /// `time` is the record's written-at: ns since the epoch; `bootTime` is asked only if something expires. Throws
    /// `full`, `indexFull` or `versionDiffers` and leaves the old value.
    ///
    /// Model: `write.pml`.
    package func set(
        _ key: UnsafeRawBufferPointer, to value: UnsafeRawBufferPointer, at time: UInt64,
        _ options: SetOptions = SetOptions(), bootTime: () -> UInt64 = { 0 }
    ) throws(StoreError) -> UInt64 {
        var hint = 0
        return try unsafe set(key, to: value, at: time, options, hint: &hint, bootTime: bootTime)
    }

    /// The same; `hint` is the slot where the key stood before, 0 if that isn't known, and becomes the one it has now.
    @inline(__always)
    package func set(
        _ key: UnsafeRawBufferPointer, to value: UnsafeRawBufferPointer, at time: UInt64, _ options: SetOptions,
        hint: inout Int, bootTime: () -> UInt64
    ) throws(StoreError) -> UInt64 {
        if hint != 0, let old = try unsafe position(of: key, atSlot: hint) {
            guard isSettled else { throw .corrupted(.intent) }
            if let expected = options.expectedVersion { try check(old, hasVersion: expected, bootTime: bootTime) }
            let extent = try extent(keyByteCount: key.count, valueByteCount: value.count)
            return try unsafe replace(old, hint, extent, key, with: value, at: time, options)
        }
        let hash = try unsafe hashForWriting(key)
        let old = unsafe try position(of: key, hash)
        if let expected = options.expectedVersion { try check(old, hasVersion: expected, bootTime: bootTime) }
        let extent = try extent(keyByteCount: key.count, valueByteCount: value.count)
        if let old { hint = old.slotOffset } else { hint = try newSlot(hash) }
        return try unsafe replace(old, hint, extent, key, with: value, at: time, options)
    }

    /// Deletes `key` and returns the version of the deletion; nil: there was no such key.
    ///
    /// Only for the owner of the lock word. An expired key is deleted and counts as not there.
    ///
    /// Model: `write.pml`.
    package func delete(
        _ key: UnsafeRawBufferPointer, expectedVersion: UInt64? = nil, bootTime: () -> UInt64 = { 0 }
    ) throws(StoreError) -> UInt64? {
        let hash = try unsafe hashForWriting(key)
        let old = unsafe try position(of: key, hash)
        if let expectedVersion { try check(old, hasVersion: expectedVersion, bootTime: bootTime) }
        guard let old else { return nil }
        let hadExpired = isExpired(old, bootTime: bootTime)
        let version = unsafe try remove(old, key, hash)
        return hadExpired ? nil : version
    }

    /// Deletes `key` if its value has expired; false: it hasn't, or isn't there.
    ///
    /// Only for the owner of the lock word.
    package func deleteIfExpired(_ key: UnsafeRawBufferPointer, bootTime: UInt64) throws(StoreError) -> Bool {
        let hash = try unsafe hashForWriting(key)
        guard let old = unsafe try position(of: key, hash), isExpired(old, bootTime: { bootTime }) else { return false }
        _ = unsafe try remove(old, key, hash)
        return true
    }

    /// The keys in the index.
    package var recordCount: Int { Int(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_record_count))) }
}

// MARK: - Steps

extension Store {
    /// The hash of a key that may be written now.
    @inline(__always)
    func hashForWriting(_ key: UnsafeRawBufferPointer) throws(StoreError) -> KeyHash {
        guard key.count <= Record.keyLimit else { throw .keyTooLong(key.count) }
        guard isSettled else { throw .corrupted(.intent) }
        return unsafe KeyHash(key, seed: geometry.hashSeed)
    }

    /// Whether the value at a position has expired.
    func isExpired(_ position: Position, bootTime: () -> UInt64) -> Bool {
        let expiresAt = data.load(position.record.offset &+ Int(sharedmem_record_expires_at))
        return expiresAt != 0 && expiresAt <= bootTime()
    }

    /// Throws unless the key has `version`; 0: unless it doesn't exist or has expired.
    func check(_ position: Position?, hasVersion expected: UInt64, bootTime: () -> UInt64) throws(StoreError) {
        var actual: UInt64 = 0
        if let position, !isExpired(position, bootTime: bootTime) {
            actual = data.load(position.record.offset &+ Int(sharedmem_record_version))
        }
        guard actual == expected else { throw .versionDiffers(actual: actual) }
    }

    /// Makes and publishes a new record of a key, whose slot is old's or a new one.
    ///
    /// Model: `write.pml`.
    @inline(__always)
    func replace(
        _ old: Position?, _ slot: Int, _ extent: Record.Extent, _ key: UnsafeRawBufferPointer,
        with value: UnsafeRawBufferPointer, at time: UInt64, _ options: SetOptions
    ) throws(StoreError) -> UInt64 {
        let allocation = try allocate(granuleCount: extent.granuleCount)
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        let intent = try intent(
            version, slot: slot, old: old, new: Reference(allocation.block, version: version), allocation,
            granuleCount: extent.granuleCount)
        if has(.publishedTooEarly) { publish(intent) }
        let word = RecordHeader.word(type: options.type)
        unsafe fill(
            allocation.block, extent, key: key, value: value, version: version, time: time,
            expiresAt: options.expiresAt, typeAndFlags: word)
        carryOut(intent)
        unsafe noteInRing(version, key)
        return version
    }

    /// Deletes the key at a position and returns the version of the deletion.
    ///
    /// Models: `many.pml` and `write.pml`.
    private func remove(
        _ old: Position, _ key: UnsafeRawBufferPointer, _ hash: KeyHash
    ) throws(StoreError) -> UInt64 {
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        noteDeletion(version, hash)
        carryOut(try intent(version, slot: old.slotOffset, old: old, new: Reference(bits: 0), nil, granuleCount: 0))
        unsafe noteInRing(version, key, isDeletion: true)
        return version
    }

    /// Stores the stripe's last-deletion version, before the slot is empty: who finds no key then finds at least this.
    ///
    /// Model: `many.pml`.
    func noteDeletion(_ version: UInt64, _ hash: KeyHash) {
        data.storeReleasing(version, lastDeletionOffset(hash))
    }

    /// Where the version of the last deletion of a key's stripe is.
    func lastDeletionOffset(_ hash: KeyHash) -> Int {
        Int(sharedmem_at_stripes) &+ hash.stripe &* Int(sharedmem_stripe_size)
            &+ Int(sharedmem_stripe_last_deletion)
    }

    /// The sizes of a record, if the whole heap has room for it.
    @inline(__always)
    func extent(keyByteCount: Int, valueByteCount: Int) throws(StoreError) -> Record.Extent {
        let extent = Record.Extent(keyByteCount: keyByteCount, valueByteCount: valueByteCount)
        guard valueByteCount < geometry.heapGranuleCount &* 64, extent.granuleCount <= geometry.heapGranuleCount else {
            throw .valueTooLarge(needed: valueByteCount &+ keyByteCount, available: geometry.heapGranuleCount &* 64)
        }
        return extent
    }

    func newSlot(_ hash: KeyHash) throws(StoreError) -> Int {
        guard let slot = prepareSlot(hash) else { throw .indexFull }
        return slot
    }

    /// Writes a record into a block that no reference names.
    ///
    /// Models: `pub.pml` and `write.pml`.
    @inline(__always)
    func fill(
        _ block: Block, _ extent: Record.Extent, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
        version: UInt64, time: UInt64, expiresAt: UInt64, typeAndFlags: UInt32
    ) {
        fillHeader(block, extent, version: version, time: time, expiresAt: expiresAt, typeAndFlags: typeAndFlags)
        let keyOffset = block.offset &+ Int(sharedmem_record_size)
        if let bytes = key.baseAddress {
            unsafe data.copyIn(bytes, count: key.count, keyOffset)
        }
        if let bytes = value.baseAddress {
            unsafe data.copyIn(bytes, count: value.count, keyOffset &+ ((key.count &+ 7) & ~7))
        }
    }

    /// Writes a record's header; key and value follow.
    ///
    /// Models: `pub.pml` and `write.pml`.
    @inline(__always)
    func fillHeader(
        _ block: Block, _ extent: Record.Extent, version: UInt64, time: UInt64, expiresAt: UInt64, typeAndFlags: UInt32
    ) {
        // SYNC: orders the epoch that allowed the reuse, moved by whichever writer, before the first byte that is written
        // here; pairs with the acquiring fence in `isValid(_:version:)`.
        atomicMemoryFence(ordering: .releasing)
        let start = block.offset
        data.store(version, start &+ Int(sharedmem_record_version))
        data.store(time, start &+ Int(sharedmem_record_written_at))
        data.store(expiresAt, start &+ Int(sharedmem_record_expires_at))
        data.store(extent.lengths, start &+ Int(sharedmem_record_lengths))
        // Link and retire epoch are left alone: the block may be limbo's head until the record is published.
        data.store32(session, start &+ Int(sharedmem_record_session))
        data.store32(typeAndFlags, start &+ Int(sharedmem_record_type))
    }

    /// The intent of a change: what limbo and the counters will be when it is done.
    ///
    /// Model: `write.pml`.
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
    ///
    /// Model: `write.pml`.
    @inline(__always)
    private func carryOut(_ intent: Intent) {
        announce(intent)
        publish(intent)
        if has(.forgottenTooEarly) { forgetIntent() }
        finish(intent)
        forgetIntent()
    }

    /// Makes a record (or none) the value of a slot's key, for everybody, by one store.
    ///
    /// Models: `pub.pml` and `write.pml`.
    @inline(__always)
    func publish(_ intent: Intent) {
        // SYNC: publishes the record's bytes, its tag and its reach; pairs with the acquiring load of the entry in
        // `attempt(_:_:into:)`.
        data.storeReleasing(intent.new.bits, intent.slotOffset)
    }
}
