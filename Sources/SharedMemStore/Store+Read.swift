internal import CSharedMem
internal import Synchronization

// Reading without a lock and without a store. The order of the loads is the protocol:
//
//   e0 = E (acquire) · entry (acquire) · bounds · copy by relaxed words · fence(acquire) · entry again, or E again
//
// The copy is one whole record if the entry is still the same and the record's version has the entry's low half, or if
// E moved by at most one: memory that was in use at e0 isn't reused before E moved by two. A key that differs is
// validated too before it counts as another key: its bytes may be those of a later record in reused memory.
//
// A record that is flagged pending belongs to a transaction. Who meets one loads the commit number, then the entry
// again: unchanged and committed, it counts; unchanged and not committed, what it links to counts, as long as the entry
// stays and E moves by at most one.

extension Store {
    /// Reads that are begun again before the store gives up: each needs two moves of the epoch and a change of the very
    /// key in between.
    package static var readLimit: Int { 1 << 20 }

    /// Copies the value of `key` into `buffer`; nil: there is no such key.
    ///
    /// Takes no lock, makes no system call, stores nothing outside `buffer`, whose bytes are undefined unless a value is
    /// returned. Throws `bufferTooSmall` with the bytes needed, and `busy` if writers overtook the read `attempts`
    /// times. The value may have expired: the caller looks at the clock if `expiresAt` isn't 0.
    package func get(
        _ key: UnsafeRawBufferPointer, attempts: Int = Store.readLimit, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> ValueInfo? {
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        guard let info = unsafe try find(key, hash, attempts: attempts, into: buffer) else { return nil }
        guard info.byteCount <= buffer.count else { throw .bufferTooSmall(needed: info.byteCount) }
        return info
    }

    /// What is known of the value of `key`, without copying it; nil: there is no such key.
    package func info(of key: UnsafeRawBufferPointer, _ hash: KeyHash) throws(StoreError) -> ValueInfo? {
        unsafe try find(
            key, hash, attempts: Self.readLimit, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }

    /// Reads until an attempt is valid; copies nothing if the buffer is too small, for which the caller looks.
    ///
    /// Throws `busy` if writers overtook the read `attempts` times.
    package func find(
        _ key: UnsafeRawBufferPointer, _ hash: KeyHash, attempts: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> ValueInfo? {
        for _ in 0..<attempts {
            switch unsafe try attempt(key, hash, into: buffer) {
            case .found(let info):
                try checkState()
                return info
            case .absent:
                try checkState()
                return nil
            case .overtaken: ReadHook.noteOvertaken()
            case .another: break
            }
        }
        throw .busy
    }

    /// How one try of a read ended.
    enum Attempt {
        /// The value was copied, if the buffer is large enough.
        case found(ValueInfo)
        /// No record has the key, or a committed one says that it is deleted.
        case absent
        /// The slot holds another key.
        case another
        /// Memory was reused meanwhile: again.
        case overtaken
    }

    /// Looks for the key once: in the slot where it stood before, then in every slot that its tag allows.
    ///
    /// Model: `pub.pml`.
    @inline(__always)
    private func attempt(
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
                switch unsafe try read(slot: slot, key, epoch, into: buffer) {
                case .another: continue
                case .found(let info): return .found(info)
                case .absent: return .absent
                case .overtaken: return .overtaken
                }
            }
            if remaining == 0 { return .absent }
            remaining &-= 1
            bucket &+= Int(sharedmem_bucket_size)
            word = tags(ofBucketAt: bucket)
        }
    }

    /// Reads what one slot names, if its key is `key`.
    ///
    /// Models: `pub.pml` and `tx.pml`.
    @inline(__always)
    private func read(
        slot: Int, _ key: UnsafeRawBufferPointer, _ epoch: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Attempt {
        // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:)`.
        let entry = Reference(bits: data.loadAcquiring(slot))
        if entry.isEmpty { return .another }
        let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
        guard let record = Record(entry.block, in: geometry), let extent = record.extent(data, in: geometry) else {
            if isValid(reading, version: entry.bits) { throw .corrupted(.record) }
            return .overtaken
        }
        let header = RecordHeader(data, at: record.offset)
        guard extent.keyByteCount == key.count, unsafe isKey(key, of: record) else {
            return isValid(reading, version: header.version) ? .another : .overtaken
        }
        if header.isPending { return unsafe try readPending(reading, record, extent, header, key, into: buffer) }
        ReadHook.pause(self)
        unsafe copyValue(of: record, extent, into: buffer)
        guard isValid(reading, version: header.version) else { return .overtaken }
        return .found(ValueInfo(record, extent, header, slotOffset: slot))
    }

    @inline(__always)
    private func copyValue(of record: Record, _ extent: Record.Extent, into buffer: UnsafeMutableRawBufferPointer) {
        if extent.valueByteCount <= buffer.count, let target = buffer.baseAddress {
            unsafe data.copyOut(record.valueOffset(extent), to: target, count: extent.valueByteCount)
        }
    }

    /// Reads a record of a transaction: itself if it is committed, otherwise what it replaces.
    ///
    /// Models: `tx.pml` in the order of these loads; without the second load of the entry an aborted value is believed.
    private func readPending(
        _ reading: Reading, _ record: Record, _ extent: Record.Extent, _ header: RecordHeader,
        _ key: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Attempt {
        // SYNC: orders the record's header before the commit number; pairs with the releasing stores that change a link once
        // the transaction is committed.
        atomicMemoryFence(ordering: .acquiring)
        // SYNC: orders this load before that of the entry below; pairs with the abort, which restores the entries before
        // it raises the commit number.
        let committed = data.loadAcquiring(Int(sharedmem_at_commit_number))
        guard data.load(reading.slotOffset) == reading.entry.bits else { return .overtaken }
        if header.version <= committed {
            unsafe copyValue(of: record, extent, into: buffer)
            guard isValid(reading, version: header.version) else { return .overtaken }
            return header.isTombstone
                ? .absent : .found(ValueInfo(record, extent, header, slotOffset: reading.slotOffset))
        }
        if header.link == .none { return isUnreplaced(reading) ? .absent : .overtaken }
        guard let before = Record(header.link, in: geometry), let extent = before.extent(data, in: geometry),
            extent.keyByteCount == key.count, unsafe isKey(key, of: before)
        else {
            if isUnreplaced(reading) { throw .corrupted(.record) }
            return .overtaken
        }
        let header = RecordHeader(data, at: before.offset)
        unsafe copyValue(of: before, extent, into: buffer)
        guard isUnreplaced(reading) else { return .overtaken }
        return .found(ValueInfo(before, extent, header, slotOffset: reading.slotOffset))
    }
}
