internal import CSharedMem
internal import Synchronization

// Reading without a lock and without a store. The order of the loads is the protocol:
//
//   e0 = E (acquire) · entry (acquire) · bounds · copy by relaxed words · fence(acquire) · entry again, or E again
//
// The copy is one whole record if the entry is still the same and the record's version has the entry's low half, or if
// E moved by at most one: memory that was in use at e0 isn't reused before E moved by two. A key that differs is
// validated too before it counts as another key: its bytes may be those of a later record in reused memory.

/// What a read found out about a value.
package struct ValueInfo: Equatable, Sendable {
    /// Bytes of the value.
    package var byteCount: Int
    /// The commit number it was published at.
    package var version: UInt64
    package init(byteCount: Int, version: UInt64) {
        self.byteCount = byteCount
        self.version = version
    }
}

extension Store {
    /// Reads that are begun again before the store gives up: each needs two moves of the epoch and a change of the very
    /// key in between.
    static var readLimit: Int { 1 << 20 }

    /// Copies the value of `key` into `buffer`; nil: there is no such key.
    ///
    /// Takes no lock, makes no system call, stores nothing outside `buffer`, whose bytes are undefined unless a value is
    /// returned. Throws `bufferTooSmall` with the bytes needed.
    package func get(
        _ key: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> ValueInfo? {
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        for _ in 0..<Self.readLimit {
            switch unsafe try attempt(key, hash, into: buffer) {
            case .found(let info):
                try checkState()
                guard info.byteCount <= buffer.count else { throw .bufferTooSmall(needed: info.byteCount) }
                return info
            case .absent:
                try checkState()
                return nil
            case .overtaken: continue
            }
        }
        throw .busy
    }

    /// How one try of a read ended.
    enum Attempt {
        /// The value was copied, as far as the buffer goes.
        case found(ValueInfo)
        /// No record has the key.
        case absent
        /// Memory was reused meanwhile: again.
        case overtaken
    }

    @inline(__always)
    func attempt(
        _ key: UnsafeRawBufferPointer, _ hash: KeyHash, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Attempt {
        // SYNC: orders this load before those of the entries; pairs with `moveEpoch()`.
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        var bucket = bucketOffset(hash.home(among: geometry.homeBucketCount))
        var word = tags(ofBucketAt: bucket)
        var remaining = word.reach
        while true {
            var matches = word.matches(hash.tag)
            while matches != 0 {
                let slot = bucket &+ matches.trailingZeroBitCount / 8 &* 8
                matches &= matches &- 1
                // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:at:)`.
                let entry = Reference(bits: data.loadAcquiring(slot))
                if entry.isEmpty { continue }
                let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
                guard let record = Record(entry.block, in: geometry),
                    let extent = record.extent(data, in: geometry)
                else {
                    if isValid(reading, version: entry.bits) { throw .corrupted(.record) }
                    return .overtaken
                }
                let version = data.load(record.offset &+ Int(sharedmem_record_version))
                guard extent.keyByteCount == key.count, unsafe isKey(key, of: record) else {
                    if isValid(reading, version: version) { continue }
                    return .overtaken
                }
                if extent.valueByteCount <= buffer.count, let target = buffer.baseAddress {
                    unsafe data.copyOut(record.valueOffset(extent), to: target, count: extent.valueByteCount)
                }
                guard isValid(reading, version: version) else { return .overtaken }
                return .found(ValueInfo(byteCount: extent.valueByteCount, version: version))
            }
            if remaining == 0 { return .absent }
            remaining &-= 1
            bucket &+= Int(sharedmem_bucket_size)
            word = tags(ofBucketAt: bucket)
        }
    }

    /// What a read began with.
    struct Reading {
        /// Offset of the slot.
        let slotOffset: Int
        /// What stood in it.
        let entry: Reference
        /// E before that.
        let epoch: UInt64

        @inline(__always)
        init(slotOffset: Int, entry: Reference, epoch: UInt64) {
            self.slotOffset = slotOffset
            self.entry = entry
            self.epoch = epoch
        }
    }

    /// Whether what was copied since `reading` began is one whole record; `version` is the copied one.
    @inline(__always)
    func isValid(_ reading: Reading, version: UInt64) -> Bool {
        if has(.validationLeftOut) { return true }
        // SYNC: orders the copy before the loads below; pairs with the releasing fence in `moveEpoch()`.
        atomicMemoryFence(ordering: .acquiring)
        if data.load(reading.slotOffset) == reading.entry.bits, reading.entry.names(version: version) { return true }
        return data.load(Int(sharedmem_at_reuse_epoch)) &- reading.epoch <= 1
    }
}

// MARK: - Listing

extension Store {
    /// Copies the next key behind `cursor` into `buffer` (512 bytes are always enough) and moves the cursor on.
    ///
    /// Returns its length, or nil at the end. A cursor begins at 0. Nothing in the index moves, so a key that stays while
    /// the cursor passes is named exactly once; one that is set or deleted meanwhile may be named or not.
    package func nextKey(
        after cursor: inout UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Int? {
        let slots = Int(SHAREDMEM_BUCKET_SLOTS)
        let end = geometry.bucketCount &* slots
        var attempts = 0
        while var position = Int(exactly: cursor), position < end {
            if attempts > Self.readLimit { throw .busy }
            let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
            let slot = bucketOffset(position / slots) &+ position % slots &* 8
            // SYNC: as in `attempt(_:_:into:)`.
            let entry = Reference(bits: data.loadAcquiring(slot))
            position += 1
            if entry.isEmpty {
                cursor = UInt64(position)
                continue
            }
            attempts += 1
            let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
            guard let record = Record(entry.block, in: geometry), let extent = record.extent(data, in: geometry) else {
                if isValid(reading, version: entry.bits) { throw .corrupted(.record) }
                continue
            }
            let version = data.load(record.offset &+ Int(sharedmem_record_version))
            guard extent.keyByteCount <= buffer.count else {
                if isValid(reading, version: version) { throw .bufferTooSmall(needed: extent.keyByteCount) }
                continue
            }
            if let target = buffer.baseAddress {
                unsafe data.copyOut(record.keyOffset, to: target, count: extent.keyByteCount)
            }
            guard isValid(reading, version: version) else { continue }
            cursor = UInt64(position)
            try checkState()
            return extent.keyByteCount
        }
        try checkState()
        return nil
    }
}
