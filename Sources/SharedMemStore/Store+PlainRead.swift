public import CSharedMem

// The common case of a read, alone and short: the key is in the first slot that is looked at, its record is no
// transaction's, never expires and fits into the buffer, and no writer came in between. A key that stands elsewhere is
// searched for in a function of its own, with the same reads. Everything else is left to `Store+Read`, which begins
// again. The loads and their order are the same there. Model: `pub.pml`.
//
// The store is reached through a pointer, and what is found fits into four registers: handing over the store's fields
// and a whole `ValueInfo` through memory took longer than the read itself. All of it is inlined into the client's
// functions: a read is bound by its instructions, and among many keys by the two cache lines it waits for.

/// What a plain read found.
@usableFromInline
package struct PlainValue: Sendable {
    /// Bytes of the value.
    @usableFromInline
    package let byteCount: Int
    /// The commit number it was published at.
    @usableFromInline
    package let version: UInt64
    /// Where the record was: what a next read may ask for early.
    @usableFromInline
    package let recordOffset: Int
    /// The type tag; -1: nothing was found this way, though there may be a value; -2: there is no such key.
    @usableFromInline
    package let type: Int

    @inlinable @inline(__always)
    init(byteCount: Int, version: UInt64, recordOffset: Int, type: UInt8) {
        self.byteCount = byteCount
        self.version = version
        self.recordOffset = recordOffset
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
        recordOffset = 0
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
    package let byteCount: Int

    /// nil: `key` is shorter or longer.
    @inlinable @inline(__always)
    package init?(_ key: UnsafeRawBufferPointer) {
        byteCount = key.count
        guard let start = key.baseAddress, UInt(bitPattern: byteCount &- 9) < 8 else { return nil }
        unsafe low = start.loadUnaligned(as: UInt64.self)
        let last = unsafe start.loadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self)
        high = last &>> UInt64(truncatingIfNeeded: (16 &- byteCount) &* 8)
    }

    /// Stands for a key that isn't short: it is longer than any that is stored, so that no plain read finds it.
    @inlinable @inline(__always)
    package static var none: ShortKey { ShortKey() }

    @inlinable @inline(__always)
    init() {
        low = 0
        high = 0
        byteCount = 0xffff
    }

    /// The bytes up to the value: the next multiple of 8.
    @inlinable @inline(__always)
    static var room: Int { 16 }

    /// Whether this is a key at all.
    @inlinable @inline(__always)
    package var isSome: Bool { byteCount != 0xffff }

    /// Whether the key is at `offset`.
    @inlinable @inline(__always)
    package func isKey(in data: SharedBytes, at offset: Int) -> Bool {
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
            return unsafe plainSearch(store, key, into: buffer)
        }
        let data = unsafe store.pointee.data
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        if let slot = unsafe store.pointee.firstSlot(KeyHash(short, seed: store.pointee.geometry.hashSeed)) {
            let value = unsafe readPlain(
                store, data, slot, epoch, keyByteCount: short.byteCount, keyRoom: ShortKey.room, to: target,
                capacity: buffer.count
            ) { offset in short.isKey(in: data, at: offset) }
            if value.type >= 0 { return value }
        }
        return unsafe plainSearch(store, key, into: buffer)
    }

    /// Copies the value of a short key, which stood in the slot `hint` before, into `buffer` if that takes no more than a
    /// plain read of this slot.
    ///
    /// `recordOffset` is where the record was then: it is asked for while the slot is loaded, and never believed. `isKey`
    /// compares the key with that at an offset: handed over itself, it would take the registers all the time. `hint` is a
    /// slot of this generation or of an older one, or 0: what is below the index's end is in the file.
    @unsafe @inlinable @inline(__always)
    package static func plainGet(
        _ store: UnsafePointer<Store>, hint: Int, recordOffset: Int, keyByteCount: Int,
        into buffer: UnsafeMutableRawBufferPointer, isKey: (SharedBytes, Int) -> Bool
    ) -> PlainValue {
        let data = unsafe store.pointee.data
        data.prefetch(recordOffset)
        data.prefetch(recordOffset &+ 64)
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        guard unsafe UInt(bitPattern: hint) < UInt(bitPattern: store.pointee.geometry.ringOffset),
            let target = buffer.baseAddress
        else { return PlainValue() }
        return unsafe readPlain(
            store, data, hint, epoch, keyByteCount: keyByteCount, keyRoom: ShortKey.room, to: target,
            capacity: buffer.count
        ) { offset in isKey(data, offset) }
    }

    /// Copies the value of a key of any length, which stood in the slot `hint` before, into `buffer` if that takes no more
    /// than a plain read of this slot.
    @unsafe
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        let data = unsafe store.pointee.data
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        guard unsafe store.pointee.isIndexWord(hint) else { return PlainValue() }
        return unsafe readPlain(store, data, hint, epoch, key, into: buffer)
    }

    /// Copies the value of `key`, whose hash is known, into `buffer` if that takes no more than a plain read.
    @unsafe
    package static func plainGet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, _ hash: KeyHash,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        let data = unsafe store.pointee.data
        // SYNC: orders this load before that of the entry; pairs with `moveEpoch()`.
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        if let slot = unsafe store.pointee.firstSlot(hash) {
            let value = unsafe readPlain(store, data, slot, epoch, key, into: buffer)
            if value.type >= 0 { return value }
        }
        return unsafe plainSearch(store, key, hash, into: buffer)
    }

    /// Hashes the key once more: keeping the hash for this would cost every read a register.
    @unsafe @usableFromInline @inline(never)
    static func plainSearch(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        unsafe plainSearch(store, key, KeyHash(key, seed: store.pointee.geometry.hashSeed), into: buffer)
    }

    /// Looks at every slot where a key of any length may be, with plain reads, until one finds it.
    ///
    /// Absent is only what has its tag nowhere. Nothing was copied then, so there is nothing to validate: as in
    /// `attempt(_:_:into:)`. A slot with this tag and another key is left to the general way, which validates it.
    @unsafe
    private static func plainSearch(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, _ hash: KeyHash,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        let data = unsafe store.pointee.data
        // SYNC: orders this load before those of the entries; pairs with `moveEpoch()`.
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        var bucket = unsafe store.pointee.bucketOffset(hash.home(among: store.pointee.geometry.homeBucketCount))
        var word = unsafe store.pointee.tags(ofBucketAt: bucket)
        var remaining = word.reach
        var isTagged = false
        while true {
            let next = bucket &+ Int(sharedmem_bucket_size)
            if remaining != 0 { data.prefetch(next) }
            var matches = word.matches(hash.tag)
            while matches != 0 {
                isTagged = true
                let slot = bucket &+ (matches.trailingZeroBitCount & ~7)
                matches &= matches &- 1
                let value = unsafe readPlain(store, data, slot, epoch, key, into: buffer)
                if value.type >= 0 { return value }
            }
            if remaining == 0 { break }
            remaining &-= 1
            bucket = next
            word = unsafe store.pointee.tags(ofBucketAt: bucket)
        }
        return unsafe !isTagged && key.count <= Record.keyLimit && store.pointee.isLive ? .absent : PlainValue()
    }

    /// The first slot of a key's home that has its tag; nil: none has.
    @inlinable @inline(__always)
    func firstSlot(_ hash: KeyHash) -> Int? {
        let bucket = bucketOffset(hash.home(among: geometry.homeBucketCount))
        let matches = tags(ofBucketAt: bucket).matches(hash.tag)
        return matches == 0 ? nil : bucket &+ (matches.trailingZeroBitCount & ~7)
    }

    /// Reads what a slot names if its key is `key`, of any length.
    @unsafe @inline(__always)
    private static func readPlain(
        _ store: UnsafePointer<Store>, _ data: SharedBytes, _ slot: Int, _ epoch: UInt64,
        _ key: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> PlainValue {
        guard let name = key.baseAddress, let target = buffer.baseAddress, key.count <= Record.keyLimit else {
            return PlainValue()
        }
        return unsafe readPlain(
            store, data, slot, epoch, keyByteCount: key.count, keyRoom: (key.count &+ 7) & ~7, to: target,
            capacity: buffer.count
        ) { offset in unsafe data.equals(name, count: key.count, offset) }
    }

    /// Reads what a slot names, in one go, if `isKey` says that the key that is at an offset is the one; of the record's
    /// header what decides, and nothing else.
    ///
    /// `data` is the store's, loaded once: behind a fence it would be loaded again. `keyRoom` is the key's length up to the
    /// next multiple of 8.
    @unsafe @inlinable @inline(__always)
    static func readPlain(
        _ store: UnsafePointer<Store>, _ data: SharedBytes, _ slot: Int, _ epoch: UInt64, keyByteCount: Int,
        keyRoom: Int, to target: UnsafeMutableRawPointer, capacity: Int, isKey: (Int) -> Bool
    ) -> PlainValue {
        // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:)`.
        let entry = Reference(bits: data.loadAcquiring(slot))
        // An empty slot names the header, which reads like the record of an empty key.
        guard unsafe store.pointee.geometry.contains(entry.block) else { return PlainValue() }
        let start = entry.block.offset
        // The key's length is in the low 16 bits. If it isn't this key's, a bit of the difference gets into the high
        // ones, and no buffer is that long.
        let lengths = data.load(start &+ Int(sharedmem_record_lengths)) ^ UInt64(truncatingIfNeeded: keyByteCount)
        let length = lengths &>> 16 | lengths &<< 48
        guard length <= UInt64(truncatingIfNeeded: capacity) else { return PlainValue() }
        let byteCount = Int(truncatingIfNeeded: length)
        let keyOffset = start &+ Int(sharedmem_record_size)
        let valueOffset = keyOffset &+ keyRoom
        // Lengths that lead out of the heap are some other record's, or nobody's: the general way finds out.
        guard unsafe valueOffset &+ byteCount <= store.pointee.geometry.heapEnd, isKey(keyOffset) else {
            return PlainValue()
        }
        let typeAndFlags = data.load32(start &+ Int(sharedmem_record_type))
        // Looked at before they are validated: what they send to the general way is read again there.
        guard
            data.load(start &+ Int(sharedmem_record_expires_at))
                | UInt64(typeAndFlags & UInt32(SHAREDMEM_RECORD_PENDING) << 8) == 0
        else { return PlainValue() }
        let version = data.load(start &+ Int(sharedmem_record_version))
        unsafe ReadHook.pause(store.pointee)
        unsafe data.copyOut(valueOffset, to: target, count: byteCount)
        let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
        guard
            unsafe store.pointee.has(.validationLeftOut) || reading.isUnchanged(in: data, version: version)
                || reading.isInTime(in: data),
            data.load32(Int(sharedmem_at_state)) == UInt32(SHAREDMEM_STATE_LIVE)
        else { return PlainValue() }
        return PlainValue(
            byteCount: byteCount, version: version, recordOffset: start, type: UInt8(truncatingIfNeeded: typeAndFlags))
    }
}
