internal import CSharedMem
internal import Synchronization

// One slot after the other.

extension GenerationCopy {
    /// What came of one look at a slot.
    enum Look {
        /// Its value is in the new generation.
        case copied
        /// It holds none.
        case empty
        /// Its value has expired.
        case expired
        /// It holds nothing valid, or what another slot holds, too.
        case spoiled
        /// It has changed meanwhile: again.
        case changed
    }

    /// Looks at a slot that changes before it counts as spoiled.
    private static var lookLimit: Int { 8 }

    /// Versions that no writer of ours reaches: 10^9 of them in each second for 146 years.
    static var versionLimit: UInt64 { 1 << 62 }

    /// Copies every slot's value; throws `indexFull` if a key has no room and may have it elsewhere.
    mutating func copySlots() throws(StoreError) {
        claims = Claims(granuleCount: old.geometry.heapGranuleCount)
        report = Report()
        newest = 0
        var key = [UInt8](repeating: 0, count: Record.keyLimit)
        for number in 0..<old.geometry.bucketCount &* Int(SHAREDMEM_BUCKET_SLOTS) {
            var look = Look.changed
            for _ in 0..<Self.lookLimit {
                look = try copySlot(number, &key)
                if case .changed = look { continue }
                break
            }
            switch look {
            case .copied: report.copiedCount += 1
            case .empty: break
            case .expired: report.expiredCount += 1
            case .spoiled, .changed: report.leftOutCount += 1
            }
        }
    }

    /// Copies one slot's value, if it holds one.
    private mutating func copySlot(_ number: Int, _ key: inout [UInt8]) throws(StoreError) -> Look {
        let slots = Int(SHAREDMEM_BUCKET_SLOTS)
        let slot = old.bucketOffset(number / slots) &+ number % slots &* 8
        // SYNC: the record's bytes are visible with its reference; pairs with the store in `publish(_:)`.
        let entry = Reference(bits: old.data.loadAcquiring(slot))
        if entry.isEmpty { return .empty }
        guard let source = source(of: entry) else { return isUnchanged(slot, entry) ? .spoiled : .changed }
        guard let source = source.value else { return isUnchanged(slot, entry) ? .empty : .changed }
        if source.header.expiresAt != 0, source.header.expiresAt <= bootTime {
            return isUnchanged(slot, entry) ? .expired : .changed
        }
        let count = source.extent.granuleCount
        let start = Int(source.record.block.number) &- old.geometry.firstBlock
        guard claims.claim(start, count: count) || old.has(.copiedUnchecked) else { return .spoiled }
        var span = key.mutableSpan
        let hash = try unsafe span.withUnsafeMutableBytes { (buffer) throws(StoreError) -> KeyHash? in
            guard let target = buffer.baseAddress else { return nil }
            unsafe old.data.copyOut(source.record.keyOffset, to: target, count: source.extent.keyByteCount)
            let bytes = unsafe UnsafeRawBufferPointer(start: target, count: source.extent.keyByteCount)
            let hash = unsafe KeyHash(bytes, seed: new.geometry.hashSeed)
            if new.has(.copiedUnchecked) { return hash }
            return unsafe try new.position(of: bytes, hash) == nil ? hash : nil
        }
        guard let hash else { return .spoiled }
        guard let target = try newSlot(hash, number) else { return .spoiled }
        var group = UndoGroup()
        guard let block = try new.takeBlock(granuleCount: count, &group) else {
            new.close(&group)
            return .spoiled
        }
        new.close(&group)
        fill(block, source, key)
        // SYNC: orders the copy before the entry's second load; pairs with the releasing fence in `moveEpoch()`.
        atomicMemoryFence(ordering: .acquiring)
        guard isUnchanged(slot, entry) else {
            var group = UndoGroup()
            try new.giveBack(block, granuleCount: count, &group)
            new.close(&group)
            return .changed
        }
        new.data.store(Reference(block, version: source.header.version).bits, target)
        newest = max(newest, source.header.version)
        return .copied
    }

    private func isUnchanged(_ slot: Int, _ entry: Reference) -> Bool {
        atomicMemoryFence(ordering: .acquiring)
        return old.data.load(slot) == entry.bits || old.has(.copiedUnchecked)
    }
}

// MARK: - What a slot's value is

extension GenerationCopy {
    /// A record of the old generation, its lengths read once.
    private struct Source {
        let record: Record
        let extent: Record.Extent
        let header: RecordHeader
    }

    /// What a reader finds behind an entry at the copy's moment.
    private struct Found {
        /// The value's record; nil: the key is deleted, or not yet made.
        var value: Source?
    }

    /// What a reader finds behind an entry; nil: nothing valid.
    private func source(of entry: Reference) -> Found? {
        guard let found = source(at: entry.block), entry.names(version: found.header.version) else { return nil }
        guard found.header.isPending else { return found.header.isTombstone ? nil : Found(value: found) }
        if found.header.version <= moment { return Found(value: found.header.isTombstone ? nil : found) }
        if found.header.link == .none { return Found(value: nil) }
        guard let before = source(at: found.header.link), before.header.version < found.header.version,
            !before.header.isTombstone, hasSameKey(found, before)
        else { return nil }
        return Found(value: before)
    }

    private func source(at block: Block) -> Source? {
        guard let record = Record(block, in: old.geometry), let extent = record.extent(old.data, in: old.geometry)
        else { return nil }
        let header = RecordHeader(old.data, at: record.offset)
        guard header.version != 0, header.version <= Self.versionLimit else { return nil }
        return Source(record: record, extent: extent, header: header)
    }

    private func hasSameKey(_ one: Source, _ other: Source) -> Bool {
        guard one.extent.keyByteCount == other.extent.keyByteCount else { return false }
        for position in stride(from: 0, to: one.extent.keyByteCount, by: 8) {
            let left = old.data.load(one.record.keyOffset &+ position)
            guard left == old.data.load(other.record.keyOffset &+ position) else { return false }
        }
        return true
    }
}

// MARK: - Into the new generation

extension GenerationCopy {
    /// The slot for a key in the new index, with tag and reach already stored; nil: there is none for it.
    private func newSlot(_ hash: KeyHash, _ number: Int) throws(StoreError) -> Int? {
        switch placement {
        case .hashed:
            guard let slot = new.prepareSlot(hash) else { throw .indexFull }
            return slot
        case .asBefore: return new.prepareSlot(hash, number)
        case .lossy: return new.prepareSlot(hash)
        }
    }

    /// Copies a record into a block of the new generation.
    private func fill(_ block: Block, _ source: Source, _ key: [UInt8]) {
        let start = block.offset
        let data = new.data
        data.store(source.header.version, start &+ Int(sharedmem_record_version))
        data.store(source.header.writtenAt, start &+ Int(sharedmem_record_written_at))
        data.store(source.header.expiresAt, start &+ Int(sharedmem_record_expires_at))
        data.store(source.extent.lengths, start &+ Int(sharedmem_record_lengths))
        data.store(UInt64(source.header.session), start &+ Int(sharedmem_record_session))
        data.store32(0, start &+ Int(sharedmem_record_retire_epoch))
        data.store32(RecordHeader.word(type: source.header.type), start &+ Int(sharedmem_record_type))
        unsafe key.withUnsafeBytes { buffer in
            guard let bytes = buffer.baseAddress else { return }
            unsafe data.copyIn(
                bytes, count: source.extent.keyByteCount, start &+ Int(sharedmem_record_size))
        }
        let record = start &+ Int(sharedmem_record_size) &+ (source.extent.keyByteCount &+ 7) & ~7
        data.copy(
            old.data, source.record.valueOffset(source.extent), count: source.extent.valueByteCount, to: record)
    }
}

extension Store {
    /// The slot `number` of the index, counted from its first, for a key that stood there under the same seed, with tag
    /// and reach already stored; nil: the key's home is too far away, or the slot is taken.
    func prepareSlot(_ hash: KeyHash, _ number: Int) -> Int? {
        let slots = Int(SHAREDMEM_BUCKET_SLOTS)
        let home = hash.home(among: geometry.homeBucketCount)
        let distance = number / slots &- home
        guard (0...Geometry.reachLimit).contains(distance) else { return nil }
        let bucket = bucketOffset(number / slots)
        let slot = bucket &+ number % slots &* 8
        guard data.load(slot) == 0 else { return nil }
        let homeTags = tags(ofBucketAt: bucketOffset(home))
        if homeTags.reach < distance {
            data.store(homeTags.with(reach: distance).bits, bucketOffset(home) &+ Int(sharedmem_bucket_tags))
        }
        let word = tags(ofBucketAt: bucket).with(hash.tag, inSlot: number % slots)
        data.store(word.bits, bucket &+ Int(sharedmem_bucket_tags))
        return slot
    }
}

// MARK: - The end

extension GenerationCopy {
    /// Whether the change that is published and not yet committed is a deletion that the copy has met.
    func isLastDeletionTakenAlong() -> Bool {
        guard mayChange else { return false }
        // SYNC: an owner stores the state when it has announced the rest, publishes then, and clears the state after its
        // commit: one of the two shows that what is announced is whole, and what the copy has met was announced before.
        let state = old.lock.loadAcquiring32(Int(sharedmem_lock_at_intent_state))
        guard state == UInt32(SHAREDMEM_INTENT_PUBLISHING) || old.moment == moment &+ 1,
            old.lock.load(Int(sharedmem_lock_at_intent_version)) == moment &+ 1,
            old.lock.load(Int(sharedmem_lock_at_intent_new_reference)) == 0
        else { return false }
        let deleted = Reference(bits: old.lock.load(Int(sharedmem_lock_at_intent_old_reference)))
        guard !deleted.isEmpty, let record = source(at: deleted.block) else { return false }
        var key = [UInt8](repeating: 0, count: Record.keyLimit)
        return unsafe key.withUnsafeMutableBytes { buffer in
            guard let target = buffer.baseAddress else { return false }
            unsafe old.data.copyOut(record.record.keyOffset, to: target, count: record.extent.keyByteCount)
            let bytes = unsafe UnsafeRawBufferPointer(start: target, count: record.extent.keyByteCount)
            do throws(StoreError) {
                return unsafe try new.position(of: bytes, KeyHash(bytes, seed: new.geometry.hashSeed)) == nil
            } catch {
                return false
            }
        }
    }

    /// Writes what the new generation's headers have to say.
    func finish() {
        let data = new.data
        new.lock.store(UInt64(report.copiedCount), Int(sharedmem_lock_at_record_count))
        // The version of a change that was not taken along is never given to another.
        var version = mayChange || !old.isSettled ? moment &+ 1 : moment
        if moment >= Self.versionLimit || newest > moment &+ 1 {
            // Who spoiled the numbers may have set them back: far above all that were ever seen.
            version = max(newest, moment < Self.versionLimit ? moment : 0) &+ 1 << 32
        }
        data.store(version, Int(sharedmem_at_commit_number))
        // A key's stripe depends on the seed: the bound holds for all of them, and is the same as a deletion now.
        for stripe in 0..<Int(SHAREDMEM_STRIPES) {
            let offset = Int(sharedmem_at_stripes) &+ stripe &* Int(sharedmem_stripe_size)
            data.store(version, offset &+ Int(sharedmem_stripe_last_deletion))
        }
        let epoch = old.data.load(Int(sharedmem_at_reuse_epoch))
        data.store(epoch < Self.versionLimit ? epoch &+ 2 : 2, Int(sharedmem_at_reuse_epoch))
        for counter in 0..<16 {
            let offset = Int(sharedmem_lock_at_counters) &+ counter &* 8
            new.lock.store(old.lock.load(offset), offset)
        }
    }
}
