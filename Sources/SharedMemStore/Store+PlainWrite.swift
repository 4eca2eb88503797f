internal import CSharedMem

// The common case of a set, in one call: the lock word is free, the key exists where it is looked for first, and limbo's
// head, which nobody can be reading any more, has the size that old and new record have. Then limbo and the counters
// keep their sizes, and a set is a chain of stores: record, intent, reference, limbo's links, commit number. They are
// those of `Store+Write` in the same order, without the ones that would store what is there. Everything else is left to
// `Store+Write` under the same lock. The store is reached through a pointer, as in `Store+PlainRead`. Model: `write.pml`.

/// What a plain set did.
package struct PlainSet: Sendable {
    /// The version; 0: nothing was set this way.
    package let version: UInt64
    /// Where the key stands; 0 beside a version: the lock was lost, and the change may not count.
    package let slotOffset: Int
    /// Who has to be told.
    package let audience: Audience

    /// Who may be asleep and wait for the lock word, or for the change.
    package struct Audience: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The lock word was given back to somebody who waits.
        package static let writers = Audience(rawValue: 1)
        /// Something is watched.
        package static let watchers = Audience(rawValue: 2)
    }
}

extension Store {
    /// Sets `key` to `value` if the lock word is free; `hint` is the slot where the key stood before, 0 if that isn't
    /// known.
    ///
    /// Only in a writable store. A set that fails has changed nothing: the general way says why.
    ///
    /// Model: `write.pml`.
    @unsafe
    package static func plainSet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: Int, to value: UnsafeRawBufferPointer,
        type: UInt8, at time: UInt64
    ) -> PlainSet {
        guard unsafe !store.pointee.has(.lockLeftOut), unsafe store.pointee.tryLock(at: time) == 0 else {
            return PlainSet(version: 0, slotOffset: 0, audience: [])
        }
        let isWatchedTooEarly = unsafe store.pointee.has(.flagReadTooEarly) && store.pointee.isWatched
        var version: UInt64 = 0
        var slot = hint
        if unsafe store.pointee.isLive, unsafe store.pointee.isSettled {
            if let short = unsafe ShortKey(key) {
                version = unsafe recycle(store, short, &slot, value, type: type, at: time)
            } else {
                version = unsafe recycleAny(store, key, &slot, value, type: type, at: time)
            }
            if version != 0 {
                unsafe store.pointee.noteInRing(version, key)
            } else {
                slot = hint
                version = unsafe setUnderLock(store, key, hint: &slot, to: value, type: type, at: time)
            }
        }
        var audience: PlainSet.Audience = []
        switch unsafe store.pointee.unlock() {
        case .quietly: break
        case .withWaiters: audience = .writers
        case .lost: return PlainSet(version: version, slotOffset: 0, audience: [])
        }
        let isWatched = unsafe store.pointee.has(.flagReadTooEarly) ? isWatchedTooEarly : store.pointee.isWatched
        if isWatched { audience.insert(.watchers) }
        return PlainSet(version: version, slotOffset: slot, audience: audience)
    }

    /// Sets a key in the general way; 0: it failed.
    @inline(never)
    private static func setUnderLock(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: inout Int, to value: UnsafeRawBufferPointer,
        type: UInt8, at time: UInt64
    ) -> UInt64 {
        var options = SetOptions()
        options.type = type
        do throws(StoreError) {
            return try unsafe store.pointee.set(key, to: value, at: time, options, hint: &hint, bootTime: { 0 })
        } catch {
            return 0
        }
    }

    /// Sets a short key where the old record and limbo's head allow it; returns the version, or 0 and has changed nothing.
    @inline(__always)
    private static func recycle(
        _ store: UnsafePointer<Store>, _ key: ShortKey, _ slot: inout Int, _ value: UnsafeRawBufferPointer,
        type: UInt8, at time: UInt64
    ) -> UInt64 {
        guard
            let place = unsafe recyclable(
                store, &slot, KeyHash(key, seed: store.pointee.geometry.hashSeed), keyByteCount: key.byteCount,
                value, isKey: { data, offset in key.isKey(in: data, at: offset) })
        else { return 0 }
        return unsafe recycle(store, place, slot, key.byteCount, value, type: type, at: time) { data, offset in
            data.store(key.low, offset)
            data.store(key.high, offset &+ 8)
        }
    }

    /// The same for a key of any length.
    @inline(never)
    private static func recycleAny(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, _ slot: inout Int,
        _ value: UnsafeRawBufferPointer, type: UInt8, at time: UInt64
    ) -> UInt64 {
        guard let name = key.baseAddress,
            let place = unsafe recyclable(
                store, &slot, KeyHash(key, seed: store.pointee.geometry.hashSeed), keyByteCount: key.count,
                value, isKey: { data, offset in unsafe data.equals(name, count: key.count, offset) })
        else { return 0 }
        return unsafe recycle(store, place, slot, key.count, value, type: type, at: time) { data, offset in
            unsafe data.copyIn(name, count: key.count, offset)
        }
    }

    /// What is to be replaced, and what by.
    private struct Recyclable {
        /// What the slot holds.
        let old: Reference
        /// Limbo's head, whose block is used again.
        let head: Block
        /// The record behind it, which becomes limbo's head.
        let next: Block
        /// Limbo's last record, behind which the old one goes.
        let tail: Block
        /// The low half of the reuse epoch.
        let epoch: UInt32
    }

    /// Looks whether the key stands in `slot` (0: or in the first that has its tag, which `slot` becomes), and whether old
    /// record, new record and the block of limbo's head have one size; nil: no.
    @inline(__always)
    private static func recyclable(
        _ store: UnsafePointer<Store>, _ slot: inout Int, _ hash: @autoclosure () -> KeyHash, keyByteCount: Int,
        _ value: UnsafeRawBufferPointer, isKey: (SharedBytes, Int) -> Bool
    ) -> Recyclable? {
        if slot == 0 {
            guard let first = unsafe store.pointee.firstSlot(hash()) else { return nil }
            slot = first
        } else if unsafe !store.pointee.isSlot(slot) {
            return nil
        }
        let data = unsafe store.pointee.data
        let lock = unsafe store.pointee.lock
        let firstBlock = unsafe store.pointee.geometry.firstBlock
        let heapGranuleCount = unsafe store.pointee.geometry.heapGranuleCount
        let granuleCount = Geometry.granules(keyByteCount: keyByteCount, valueByteCount: value.count)
        // Blocks below this distance from the first have room for the record.
        let limit = heapGranuleCount &- granuleCount &+ 1
        if limit < 1 { return nil }
        func isInHeap(_ block: Block) -> Bool {
            UInt(bitPattern: Int(block.number) &- firstBlock) < UInt(bitPattern: limit)
        }

        let old = Reference(bits: data.load(slot))
        guard isInHeap(old.block) else { return nil }
        let oldLengths = data.load(old.block.offset &+ Int(sharedmem_record_lengths))
        guard oldLengths & 0xffff == UInt64(truncatingIfNeeded: keyByteCount), granules(oldLengths) == granuleCount,
            isKey(data, old.block.offset &+ Int(sharedmem_record_size))
        else { return nil }
        let head = Block(number: UInt32(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_limbo_head))))
        let tail = Block(number: UInt32(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_limbo_tail))))
        guard isInHeap(head), unsafe store.pointee.geometry.contains(tail) else { return nil }
        let epoch = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
        let next = Block(number: data.load32(head.offset &+ Int(sharedmem_record_link)))
        // Limbo's only record is left to the general way: it would be head and tail.
        guard unsafe store.pointee.geometry.contains(next),
            epoch &- data.load32(head.offset &+ Int(sharedmem_record_retire_epoch)) >= 2,
            lock.load(Int(sharedmem_lock_at_pin_group_map)) == 0,
            granules(data.load(head.offset &+ Int(sharedmem_record_lengths))) == granuleCount,
            unsafe !store.pointee.hasAnyFault
        else { return nil }
        return Recyclable(old: old, head: head, next: next, tail: tail, epoch: epoch)
    }

    /// Sets the key in `slot` in the block of limbo's head and returns the version.
    ///
    /// Only for the lock holder, before whom nothing changes. Model: `write.pml`.
    @inline(__always)
    private static func recycle(
        _ store: UnsafePointer<Store>, _ place: Recyclable, _ slot: Int, _ keyByteCount: Int,
        _ value: UnsafeRawBufferPointer, type: UInt8, at time: UInt64, storeKey: (SharedBytes, Int) -> Void
    ) -> UInt64 {
        let data = unsafe store.pointee.data
        let lock = unsafe store.pointee.lock
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        let new = Reference(place.head, version: version)
        let extent = Record.Extent(keyByteCount: keyByteCount, valueByteCount: value.count)
        unsafe store.pointee.fillHeader(
            place.head, extent, version: version, time: time, expiresAt: 0, typeAndFlags: UInt32(type))
        let keyOffset = place.head.offset &+ Int(sharedmem_record_size)
        storeKey(data, keyOffset)
        if let bytes = value.baseAddress {
            unsafe data.copyIn(bytes, count: value.count, keyOffset &+ ((keyByteCount &+ 7) & ~7))
        }
        let intent = Intent(
            version: version, slotOffset: slot, old: place.old, new: new, limboHead: place.next, limboTail: place.tail,
            limboGranuleCount: lock.load(Int(sharedmem_lock_at_limbo_granules)),
            recordCount: lock.load(Int(sharedmem_lock_at_record_count)))
        unsafe store.pointee.announce(intent)
        unsafe store.pointee.publish(intent)
        // As in `finish(_:)`: the counters stay.
        let old = place.old.block
        data.storeReleasing32(0, old.offset &+ Int(sharedmem_record_link))
        data.storeReleasing32(place.epoch, old.offset &+ Int(sharedmem_record_retire_epoch))
        data.storeReleasing32(old.number, place.tail.offset &+ Int(sharedmem_record_link))
        lock.storeReleasing(UInt64(place.next.number), Int(sharedmem_lock_at_limbo_head))
        lock.storeReleasing(UInt64(old.number), Int(sharedmem_lock_at_limbo_tail))
        // SYNC: publishes the change with its number; pairs with readers of many keys, who load the number first.
        data.storeReleasing(version, Int(sharedmem_at_commit_number))
        // As in `forgetIntent()`: no block was taken from the heap.
        lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_NONE), Int(sharedmem_lock_at_intent_state))
        return version
    }

    /// The granules of a record whose word of lengths this is.
    @inline(__always)
    private static func granules(_ lengths: UInt64) -> Int {
        Geometry.granules(
            keyByteCount: Int(truncatingIfNeeded: lengths & 0xffff),
            valueByteCount: Int(truncatingIfNeeded: lengths >> 16))
    }
}
