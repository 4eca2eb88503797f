internal import CSharedMem

// The common case of a read, alone and short: the key is in the first slot that is looked at, its record is no
// transaction's, never expires and fits into the buffer, and no writer came in between. Everything else is left to
// `Store+Read`, which begins again. The loads and their order are the same there.
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
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        let hash = unsafe KeyHash(key, seed: store.pointee.geometry.hashSeed)
        let bucket = unsafe store.pointee.bucketOffset(hash.home(among: store.pointee.geometry.homeBucketCount))
        let matches = unsafe store.pointee.tags(ofBucketAt: bucket).matches(hash.tag)
        if matches == 0 { return PlainValue() }
        let slot = bucket &+ (matches.trailingZeroBitCount & ~7)
        return unsafe store.pointee.readPlain(slot: slot, key, epoch, into: buffer)
    }

    /// Copies the value of `key`, which stood in the slot `hint` before, into `buffer` if that takes no more than a
    /// plain read of this slot.
    @unsafe
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        guard unsafe store.pointee.isSlot(hint) else { return PlainValue() }
        return unsafe store.pointee.readPlain(slot: hint, key, epoch, into: buffer)
    }

    /// Reads what a slot names, in one go.
    @inline(__always)
    private func readPlain(
        slot: Int, _ key: UnsafeRawBufferPointer, _ epoch: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:)`.
        let entry = Reference(bits: data.loadAcquiring(slot))
        guard let record = Record(entry.block, in: geometry), let extent = record.extent(data, in: geometry),
            extent.keyByteCount == key.count, extent.valueByteCount <= buffer.count,
            unsafe isKey(key, of: record), let target = buffer.baseAddress
        else { return PlainValue() }
        let header = RecordHeader(data, at: record.offset)
        ReadHook.pause(self)
        unsafe data.copyOut(record.valueOffset(extent), to: target, count: extent.valueByteCount)
        let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
        guard !header.isPending, header.expiresAt == 0, isValid(reading, version: header.version), isLive else {
            return PlainValue()
        }
        return PlainValue(
            byteCount: extent.valueByteCount, version: header.version, slotOffset: slot, type: header.type)
    }
}
