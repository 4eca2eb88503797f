internal import CSharedMem
internal import SharedMemStore
internal import TestSupport

// What a hostile writer does to the data file: the index, the records and the headers.

extension Corruptor {
    /// Changes a bucket's tags or its reach.
    mutating func spoilTags() {
        let bucket = slot() & ~63
        let offset = bucket + Int(sharedmem_bucket_tags)
        let old = data.load(offset)
        let reach = UInt64([0, 1, 31, 32, 33, 255][below(6)]) << 56
        switch below(3) {
        case 0: put(old & ~(0xff << 56) | reach, inData: offset)
        case 1: put(random.next(), inData: offset)
        default:
            // Every slot seems to have the tag of the first.
            put(old & 0xff &* 0x0001_0101_0101_0101 | reach, inData: offset)
        }
    }

    /// Changes a record's lengths: past the heap's end by one byte or by far, to its very end, or to nonsense.
    mutating func spoilLengths(at offset: Int) {
        let field = offset + Int(sharedmem_record_lengths)
        let old = data.load(field)
        let key: UInt64
        switch below(10) {
        case 0: key = 0
        case 1: key = 512
        case 2: key = 513
        case 3: key = 0xffff
        case 4: key = UInt64(below(600))
        default: key = old & 0xffff
        }
        let room = Int64(segment.geometry.endBlock * 64 - offset) - 48 - Int64(key + 7) / 8 * 8
        let value: Int64
        switch below(12) {
        case 0: value = room
        case 1, 2, 3: value = room + 1
        case 4: value = room + 8
        case 5: value = room - 1
        case 6: value = room + 64
        case 7: value = (1 << 48) - 1
        case 8: value = 1 << 47
        case 9: value = Int64(old >> 16)
        case 10: value = Int64(below(70_000))
        default: value = Int64(truncatingIfNeeded: random.next() >> 16)
        }
        put(key | UInt64(bitPattern: value) << 16, inData: field)
    }

    /// Changes what limbo keeps in a record, or its version.
    mutating func spoilRecord(at offset: Int) {
        switch below(6) {
        case 0: put32(UInt32(offset / 64), inData: offset + Int(sharedmem_record_link))
        case 1: put32(UInt32(record() / 64), inData: offset + Int(sharedmem_record_link))
        case 2: put32(block(), inData: offset + Int(sharedmem_record_link))
        case 3:
            let epoch = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
            put32(epoch &+ UInt32(below(7)) &- 3, inData: offset + Int(sharedmem_record_retire_epoch))
        case 4: put(word(), inData: offset + Int(sharedmem_record_version))
        default: put32(UInt32(truncatingIfNeeded: random.next()), inData: offset + Int(sharedmem_record_type))
        }
    }

    /// Moves the epoch or the commit number, to where they wrap among others, or changes the state.
    mutating func spoilEpoch() {
        switch below(4) {
        case 0:
            let epoch = data.load(Int(sharedmem_at_reuse_epoch))
            put(epoch &+ UInt64(below(6)), inData: Int(sharedmem_at_reuse_epoch))
        case 1: put(word(), inData: Int(sharedmem_at_reuse_epoch))
        case 2: put(UInt64.max - UInt64(below(3)), inData: Int(sharedmem_at_commit_number))
        default:
            put(word(), inData: Int(sharedmem_at_commit_number))
            if below(4) == 0 { put32(UInt32(below(5)), inData: Int(sharedmem_at_state)) }
        }
    }

    /// Claims that somebody watches, and changes the ring's ends or an entry.
    mutating func spoilWatch() {
        put32(UInt32(below(3)), inData: Int(sharedmem_at_watched))
        put(random.next(), inData: Int(sharedmem_at_watched_stripes))
        let position = data.load(Int(sharedmem_at_ring_position))
        switch below(6) {
        case 0: put(word(), inData: Int(sharedmem_at_ring_position))
        case 1: put(position &+ UInt64(below(20)), inData: Int(sharedmem_at_ring_position))
        case 2: put(word(), inData: Int(sharedmem_at_ring_gap))
        case 3: put(word(), inData: Int(sharedmem_at_ring_version))
        default:
            let length = segment.geometry.ringByteCount / Int(SHAREDMEM_RING_ENTRY_BYTES)
            let entry = segment.geometry.ringOffset + below(length) * Int(SHAREDMEM_RING_ENTRY_BYTES)
            put(below(2) == 0 ? UInt64(below(60)) : word(), inData: entry)
            let counts: [UInt64] = [0, 8, 512, 513, 0xffff_ffff, UInt64(below(600))]
            put(UInt64(below(4)) | counts[below(counts.count)] << 32, inData: entry + 8)
        }
    }

    /// Changes the geometry in a header, as a rule with a checksum that is right.
    mutating func spoilHeader() {
        let inData = [
            sharedmem_at_magic, sharedmem_at_version_word, sharedmem_at_required_features, sharedmem_at_data_byte_count,
            sharedmem_at_lock_byte_count, sharedmem_at_index, sharedmem_at_index + 8, sharedmem_at_heap,
            sharedmem_at_heap + 8, sharedmem_at_ring, sharedmem_at_ring + 8, sharedmem_at_home_bucket_count,
            sharedmem_at_hash_seed, sharedmem_at_segment_id,
        ]
        let inLock = [
            sharedmem_lock_at_magic, sharedmem_lock_at_version_word, sharedmem_lock_at_lock_byte_count,
            sharedmem_lock_at_pins, sharedmem_lock_at_pins + 8, sharedmem_lock_at_edges, sharedmem_lock_at_edges + 8,
            sharedmem_lock_at_generation,
        ]
        for _ in 0...below(3) {
            if below(4) == 0 {
                let offset = Int(inLock[below(inLock.count)])
                put(near(lock.load(offset)), inLock: offset)
            } else {
                let offset = Int(inData[below(inData.count)])
                put(near(data.load(offset)), inData: offset)
            }
        }
        // Larger by one bucket and smaller by one, so that the sums are right again.
        if below(3) == 0 { moveRegions() }
        if below(8) != 0 { segment.sign() }
    }

    /// Gives the index some of the ring's or of the heap's room, with consistent numbers.
    private mutating func moveRegions() {
        let step = UInt64(below(40)) * 64
        let homes = data.load(Int(sharedmem_at_home_bucket_count))
        put(homes &+ step / 64, inData: Int(sharedmem_at_home_bucket_count))
        for (field, delta) in [
            (sharedmem_at_index + 8, step), (sharedmem_at_ring, step), (sharedmem_at_heap, step),
            (sharedmem_at_heap + 8, 0 &- step),
        ] {
            put(data.load(Int(field)) &+ delta, inData: Int(field))
        }
    }

    /// A number beside another one, or any.
    mutating func near(_ number: UInt64) -> UInt64 {
        switch below(8) {
        case 0: number &+ 1
        case 1: number &- 1
        case 2, 3: number &+ 64
        case 4: number &- 64
        case 5: number &+ UInt64(below(4096)) &* 64
        case 6: number &- UInt64(below(4096)) &* 64
        default: word()
        }
    }
}
