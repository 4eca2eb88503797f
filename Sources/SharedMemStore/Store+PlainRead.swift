internal import CSharedMem

// The common case of a read, alone and short: the key is in the first slot that is looked at, its record is no
// transaction's, never expires and fits into the buffer, and no writer came in between. Everything else is left to
// `Store+Read`, which begins again. The loads and their order are the same there. Model: `pub.pml`.
//
// The store is reached through a pointer, and what is found fits into four registers: handing over the store's fields
// and a whole `ValueInfo` through memory took longer than the read itself.

/// What a plain read found.
package struct PlainValue: Sendable {
    /// Bytes of the value.
    package let byteCount: Int
    /// The commit number it was published at.
    package let version: UInt64
    /// Where the key stands: a hint for the next read.
    package let slotOffset: Int
    /// The type tag; -1: nothing was found this way, though there may be a value.
    package let type: Int

    @inline(__always)
    init(byteCount: Int, version: UInt64, slotOffset: Int, type: UInt8) {
        self.byteCount = byteCount
        self.version = version
        self.slotOffset = slotOffset
        self.type = Int(type)
    }

    /// Nothing was found this way.
    @inline(__always)
    init() {
        byteCount = 0
        version = 0
        slotOffset = 0
        type = -1
    }
}

extension Store {
    /// Copies the value of `key` into `buffer` if that takes no more than a plain read.
    @unsafe
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        guard let name = key.baseAddress, let target = buffer.baseAddress else { return PlainValue() }
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        let keyByteCount = key.count
        let hash = unsafe KeyHash(name, byteCount: keyByteCount, seed: store.pointee.geometry.hashSeed)
        let bucket = unsafe store.pointee.bucketOffset(hash.home(among: store.pointee.geometry.homeBucketCount))
        let matches = unsafe store.pointee.tags(ofBucketAt: bucket).matches(hash.tag)
        if matches == 0 { return PlainValue() }
        let slot = bucket &+ (matches.trailingZeroBitCount & ~7)
        return unsafe store.pointee.readPlain(slot, name, keyByteCount, epoch, to: target, capacity: buffer.count)
    }

    /// Copies the value of `key`, which stood in the slot `hint` before, into `buffer` if that takes no more than a
    /// plain read of this slot.
    @unsafe
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        guard let name = key.baseAddress, let target = buffer.baseAddress, unsafe store.pointee.isSlot(hint) else {
            return PlainValue()
        }
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        return unsafe store.pointee.readPlain(hint, name, key.count, epoch, to: target, capacity: buffer.count)
    }

    /// Reads what a slot names, in one go; of the record's header what decides, and nothing else.
    @inline(__always)
    private func readPlain(
        _ slot: Int, _ key: UnsafeRawPointer, _ keyByteCount: Int, _ epoch: UInt64,
        to target: UnsafeMutableRawPointer, capacity: Int
    ) -> PlainValue {
        // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:)`.
        let entry = Reference(bits: data.loadAcquiring(slot))
        guard geometry.contains(entry.block) else { return PlainValue() }
        let start = entry.block.offset
        let lengths = data.load(start &+ Int(sharedmem_record_lengths))
        let byteCount = Int(truncatingIfNeeded: lengths >> 16)
        let valueOffset = start &+ Int(sharedmem_record_size) &+ ((keyByteCount &+ 7) & ~7)
        // Lengths that lead out of the heap are some other record's, or nobody's: the general way finds out.
        guard Int(truncatingIfNeeded: lengths & 0xffff) == keyByteCount, byteCount <= capacity,
            valueOffset &+ byteCount <= geometry.endBlock &* 64,
            unsafe data.equals(key, count: keyByteCount, start &+ Int(sharedmem_record_size))
        else { return PlainValue() }
        let version = data.load(start &+ Int(sharedmem_record_version))
        let expiresAt = data.load(start &+ Int(sharedmem_record_expires_at))
        let typeAndFlags = data.load32(start &+ Int(sharedmem_record_type))
        ReadHook.pause(self)
        unsafe data.copyOut(valueOffset, to: target, count: byteCount)
        let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
        guard expiresAt == 0, typeAndFlags >> 8 & UInt32(SHAREDMEM_RECORD_PENDING) == 0,
            isValid(reading, version: version), isLive
        else { return PlainValue() }
        return PlainValue(
            byteCount: byteCount, version: version, slotOffset: slot, type: UInt8(truncatingIfNeeded: typeAndFlags))
    }
}
