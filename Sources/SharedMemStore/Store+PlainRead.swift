public import CSharedMem

// The common case of a read, alone and short: the key is in the first slot that is looked at, its record is no
// transaction's, never expires and fits into the buffer, and no writer came in between. Everything else is left to
// `Store+Read`, which begins again. The loads and their order are the same there. Model: `pub.pml`.
//
// The store is reached through a pointer, and what is found fits into four registers: handing over the store's fields
// and a whole `ValueInfo` through memory took longer than the read itself. All of it is inlined into the client's
// functions: a read is bound by its instructions.

/// What a plain read found.
@usableFromInline
package struct PlainValue: Sendable {
    /// Bytes of the value.
    @usableFromInline
    package let byteCount: Int
    /// The commit number it was published at.
    @usableFromInline
    package let version: UInt64
    /// Where the key stands: a hint for the next read.
    @usableFromInline
    package let slotOffset: Int
    /// The type tag; -1: nothing was found this way, though there may be a value; -2: there is no such key.
    @usableFromInline
    package let type: Int

    @inlinable @inline(__always)
    init(byteCount: Int, version: UInt64, slotOffset: Int, type: UInt8) {
        self.byteCount = byteCount
        self.version = version
        self.slotOffset = slotOffset
        self.type = Int(type)
    }

    /// There is no such key.
    @inlinable @inline(__always)
    package static var absent: PlainValue { PlainValue(type: -2) }

    /// Nothing was found this way.
    @inlinable @inline(__always)
    init(type: Int = -1) {
        byteCount = 0
        version = 0
        slotOffset = 0
        self.type = type
    }
}

/// A key of 9 to 16 bytes: hashed and compared without a loop.
@usableFromInline
package struct ShortKey: Sendable {
    /// The first 8 bytes.
    @usableFromInline
    let low: UInt64
    /// The bytes behind them, and zeros up to 16 bytes.
    @usableFromInline
    let high: UInt64
    /// How many there are.
    @usableFromInline
    let byteCount: Int

    /// nil: `key` is shorter or longer.
    @inlinable @inline(__always)
    package init?(_ key: UnsafeRawBufferPointer) {
        byteCount = key.count
        guard let start = key.baseAddress, UInt(bitPattern: byteCount &- 9) < 8 else { return nil }
        unsafe low = start.loadUnaligned(as: UInt64.self)
        let last = unsafe start.loadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self)
        high = last &>> UInt64(truncatingIfNeeded: (16 &- byteCount) &* 8)
    }

    /// Whether the key is at `offset`.
    @inlinable @inline(__always)
    func isKey(in data: SharedBytes, at offset: Int) -> Bool {
        (data.load(offset) ^ low) | (data.load(offset &+ 8) ^ high) == 0
    }
}

extension Store {
    /// Copies the value of `key` into `buffer` if that takes no more than a plain read.
    @unsafe @inlinable @inline(__always)
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        guard let short = unsafe ShortKey(key), let target = buffer.baseAddress else {
            return unsafe plainGetOfAnyLength(store, key, into: buffer)
        }
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        let hash = unsafe KeyHash(short, seed: store.pointee.geometry.hashSeed)
        guard let slot = unsafe store.pointee.firstSlot(hash) else { return unsafe plainAbsence(store, hash) }
        return unsafe readPlain(store, slot, epoch, keyByteCount: key.count, to: target, capacity: buffer.count) {
            data, offset in short.isKey(in: data, at: offset)
        }
    }

    /// Copies the value of `key`, which stood in the slot `hint` before, into `buffer` if that takes no more than a
    /// plain read of this slot; `short` is the same key, if it is short.
    @unsafe @inlinable @inline(__always)
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ short: ShortKey?, _ key: UnsafeRawBufferPointer, hint: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        guard let short, let target = buffer.baseAddress else {
            return unsafe plainGetOfAnyLength(store, key, hint: hint, into: buffer)
        }
        guard unsafe store.pointee.isIndexWord(hint) else { return PlainValue() }
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        return unsafe readPlain(
            store, hint, epoch, keyByteCount: short.byteCount, to: target, capacity: buffer.count
        ) { data, offset in short.isKey(in: data, at: offset) }
    }

    /// Copies the value of `key`, whose hash is known, into `buffer` if that takes no more than a plain read.
    @unsafe
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, _ hash: KeyHash,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        guard let target = buffer.baseAddress, let slot = unsafe store.pointee.firstSlot(hash) else {
            return PlainValue()
        }
        if let short = unsafe ShortKey(key) {
            return unsafe readPlain(
                store, slot, epoch, keyByteCount: short.byteCount, to: target, capacity: buffer.count
            ) { data, offset in short.isKey(in: data, at: offset) }
        }
        return unsafe plainGetOfAnyLength(store, key, hint: slot, into: buffer)
    }

    /// The same for a key of any length; a hint of 0: by name.
    @unsafe @usableFromInline @inline(never)
    static func plainGetOfAnyLength(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: Int = 0,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        guard let name = key.baseAddress, let target = buffer.baseAddress, key.count <= Record.keyLimit else {
            return PlainValue()
        }
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = unsafe store.pointee.data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        var slot = hint
        if slot == 0 {
            let hash = unsafe KeyHash(key, seed: store.pointee.geometry.hashSeed)
            guard let first = unsafe store.pointee.firstSlot(hash) else { return unsafe plainAbsence(store, hash) }
            slot = first
        } else if unsafe !store.pointee.isIndexWord(slot) {
            return PlainValue()
        }
        return unsafe readPlain(store, slot, epoch, keyByteCount: key.count, to: target, capacity: buffer.count) {
            data, offset in unsafe data.equals(name, count: key.count, offset)
        }
    }

    /// The first slot of a key's home that has its tag; nil: none has.
    @inlinable @inline(__always)
    func firstSlot(_ hash: KeyHash) -> Int? {
        let bucket = bucketOffset(hash.home(among: geometry.homeBucketCount))
        let matches = tags(ofBucketAt: bucket).matches(hash.tag)
        return matches == 0 ? nil : bucket &+ (matches.trailingZeroBitCount & ~7)
    }

    /// Whether a key that isn't in its home, and never was further away, is absent for certain.
    ///
    /// Nothing was copied, so there is nothing to validate: as in `attempt(_:_:into:)`.
    @unsafe @usableFromInline @inline(never)
    static func plainAbsence(_ store: UnsafePointer<Store>, _ hash: KeyHash) -> PlainValue {
        let bucket = unsafe store.pointee.bucketOffset(hash.home(among: store.pointee.geometry.homeBucketCount))
        let word = unsafe store.pointee.tags(ofBucketAt: bucket)
        guard word.reach == 0, word.matches(hash.tag) == 0, unsafe store.pointee.isLive else { return PlainValue() }
        return .absent
    }

    /// Reads what a slot names, in one go, if `isKey` says that the key that is at an offset is the one; of the record's
    /// header what decides, and nothing else.
    @unsafe @inlinable @inline(__always)
    static func readPlain(
        _ store: UnsafePointer<Store>, _ slot: Int, _ epoch: UInt64, keyByteCount: Int,
        to target: UnsafeMutableRawPointer, capacity: Int, isKey: (SharedBytes, Int) -> Bool
    ) -> PlainValue {
        let data = unsafe store.pointee.data
        // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:)`.
        let entry = Reference(bits: data.loadAcquiring(slot))
        guard unsafe store.pointee.geometry.contains(entry.block) else { return PlainValue() }
        let start = entry.block.offset
        // The key's length is in the low 16 bits. If it isn't this key's, a bit of the difference gets into the high
        // ones, and no buffer is that long.
        let lengths = data.load(start &+ Int(sharedmem_record_lengths)) ^ UInt64(truncatingIfNeeded: keyByteCount)
        let length = lengths &>> 16 | lengths &<< 48
        guard length <= UInt64(truncatingIfNeeded: capacity) else { return PlainValue() }
        let byteCount = Int(truncatingIfNeeded: length)
        let keyOffset = start &+ Int(sharedmem_record_size)
        let valueOffset = keyOffset &+ ((keyByteCount &+ 7) & ~7)
        // Lengths that lead out of the heap are some other record's, or nobody's: the general way finds out.
        guard unsafe valueOffset &+ byteCount <= store.pointee.geometry.heapEnd, isKey(data, keyOffset) else {
            return PlainValue()
        }
        let version = data.load(start &+ Int(sharedmem_record_version))
        let expiresAt = data.load(start &+ Int(sharedmem_record_expires_at))
        let typeAndFlags = data.load32(start &+ Int(sharedmem_record_type))
        unsafe ReadHook.pause(store.pointee)
        unsafe data.copyOut(valueOffset, to: target, count: byteCount)
        let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
        guard expiresAt | UInt64(typeAndFlags & UInt32(SHAREDMEM_RECORD_PENDING) << 8) == 0,
            unsafe store.pointee.isValid(reading, version: version), unsafe store.pointee.isLive
        else { return PlainValue() }
        return PlainValue(
            byteCount: byteCount, version: version, slotOffset: slot, type: UInt8(truncatingIfNeeded: typeAndFlags))
    }
}
