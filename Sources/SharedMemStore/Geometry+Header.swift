internal import CSharedMem
internal import CXXHash

// MARK: - Writing

extension Geometry {
    /// Writes the immutable parts of both headers.
    func write(_ identity: Identity, data: SharedBytes, lock: SharedBytes) {
        let version = UInt64(SHAREDMEM_LAYOUT_MAJOR) | UInt64(SHAREDMEM_LAYOUT_MINOR) << 16
        let buckets = UInt64(bucketCount * Int(sharedmem_bucket_size))
        let words: [(Int, UInt64)] = [
            (Int(sharedmem_at_magic), sharedmem_data_magic),
            (Int(sharedmem_at_version_word), version | UInt64(sharedmem_data_header_size) << 32),
            (Int(sharedmem_at_segment_id), identity.segmentID),
            (Int(sharedmem_at_generation), identity.generation),
            (Int(sharedmem_at_hash_seed), identity.hashSeed),
            (Int(sharedmem_at_data_byte_count), UInt64(dataByteCount)),
            (Int(sharedmem_at_lock_byte_count), UInt64(lockByteCount)),
            (Int(sharedmem_at_index), UInt64(indexOffset)), (Int(sharedmem_at_index) + 8, buckets),
            (Int(sharedmem_at_heap), UInt64(heapOffset)), (Int(sharedmem_at_heap) + 8, UInt64(heapGranuleCount * 64)),
            (Int(sharedmem_at_ring), UInt64(ringOffset)), (Int(sharedmem_at_ring) + 8, UInt64(ringByteCount)),
            (Int(sharedmem_at_home_bucket_count), UInt64(homeBucketCount)),
            (Int(sharedmem_at_created_at), identity.createdAt),
        ]
        for (offset, word) in words { data.store(word, offset) }
        data.store(Self.checksum(of: data, upTo: Int(sharedmem_at_checksum)), Int(sharedmem_at_checksum))

        let pins = UInt64(SHAREDMEM_SESSIONS_MAX) * UInt64(sharedmem_pin_size)
        let lockWords: [(Int, UInt64)] = [
            (Int(sharedmem_lock_at_magic), sharedmem_lock_magic),
            (Int(sharedmem_lock_at_version_word), version | UInt64(sharedmem_lock_header_size) << 32),
            (Int(sharedmem_lock_at_segment_id), identity.segmentID),
            (Int(sharedmem_lock_at_generation), identity.generation),
            (Int(sharedmem_lock_at_lock_byte_count), UInt64(lockByteCount)),
            (Int(sharedmem_lock_at_pins), UInt64(pinsOffset)), (Int(sharedmem_lock_at_pins) + 8, pins),
            (Int(sharedmem_lock_at_edges), UInt64(edgesOffset)),
            (Int(sharedmem_lock_at_edges) + 8, UInt64(edgesByteCount)),
        ]
        for (offset, word) in lockWords { lock.store(word, offset) }
        lock.store(Self.checksum(of: lock, upTo: Int(sharedmem_lock_at_checksum)), Int(sharedmem_lock_at_checksum))
    }

    /// Bytes of the bitmap of free blocks' edges: one bit a granule, in whole lines.
    var edgesByteCount: Int { (heapGranuleCount + 511) / 512 * 64 }

    /// XXH3 of the first `end` bytes, copied to private memory first.
    private static func checksum(of bytes: SharedBytes, upTo end: Int) -> UInt64 {
        var copy = [UInt8](repeating: 0, count: end)
        return unsafe copy.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return 0 }
            unsafe bytes.copyOut(0, to: start, count: end)
            return unsafe sharedmem_xxh3(start, end, 0)
        }
    }
}

// MARK: - Validation at attach

extension Geometry {
    /// Reads the data file's geometry once and checks every number in it, against the file and against each other.
    init(validating data: SharedBytes) throws(StoreError) {
        guard data.byteCount >= Int(sharedmem_data_header_size) else { throw .foreign(.geometry) }
        guard data.load(Int(sharedmem_at_magic)) == sharedmem_data_magic else { throw .foreign(.magic) }
        let major = UInt16(truncatingIfNeeded: data.load(Int(sharedmem_at_version_word)))
        guard major == UInt16(SHAREDMEM_LAYOUT_MAJOR) else { throw .foreign(.major(major)) }
        let features = data.load(Int(sharedmem_at_required_features))
        guard features == 0 else { throw .foreign(.feature(features)) }
        guard
            data.load(Int(sharedmem_at_checksum)) == Self.checksum(of: data, upTo: Int(sharedmem_at_checksum))
        else { throw .foreign(.checksum) }

        func number(_ offset: Int, below limit: Int) throws(StoreError) -> Int {
            guard let number = Int(exactly: data.load(offset)), number <= limit else { throw .foreign(.geometry) }
            return number
        }
        let files = Int(Self.maximumByteCount)
        dataByteCount = try number(Int(sharedmem_at_data_byte_count), below: data.byteCount)
        lockByteCount = try number(Int(sharedmem_at_lock_byte_count), below: files)
        let end = dataByteCount
        indexOffset = try number(Int(sharedmem_at_index), below: end)
        let indexByteCount = try number(Int(sharedmem_at_index) + 8, below: end - indexOffset)
        homeBucketCount = try number(Int(sharedmem_at_home_bucket_count), below: end / 64)
        ringOffset = try number(Int(sharedmem_at_ring), below: end)
        ringByteCount = try number(Int(sharedmem_at_ring) + 8, below: end - ringOffset)
        heapOffset = try number(Int(sharedmem_at_heap), below: end)
        let heapByteCount = try number(Int(sharedmem_at_heap) + 8, below: end - heapOffset)
        heapGranuleCount = heapByteCount / 64
        firstBlock = heapOffset / 64
        heapEnd = heapOffset + heapByteCount
        indexWordCount = indexByteCount / 8
        hashSeed = data.load(Int(sharedmem_at_hash_seed))
        pinsOffset = Int(sharedmem_lock_header_size)
        edgesOffset = pinsOffset + Int(SHAREDMEM_SESSIONS_MAX) * Int(sharedmem_pin_size)

        let header = Int(sharedmem_data_header_size)
        guard indexOffset >= header, ringOffset >= header, heapOffset >= header,
            indexOffset % 64 == 0, ringOffset % 64 == 0, heapOffset % 64 == 0, heapByteCount % 64 == 0,
            homeBucketCount >= 1, heapGranuleCount >= 1,
            indexByteCount == bucketCount * Int(sharedmem_bucket_size),
            ringByteCount >= Int(SHAREDMEM_RING_ENTRY_BYTES),
            indexOffset + indexByteCount <= ringOffset, ringOffset + ringByteCount <= heapOffset,
            heapOffset + heapByteCount <= dataByteCount
        else { throw .foreign(.geometry) }
    }

    /// Checks that `lock` is the lock file of the generation in `data`.
    func validate(lock: SharedBytes, beside data: SharedBytes) throws(StoreError) {
        guard lock.byteCount >= lockByteCount, lockByteCount >= Int(sharedmem_lock_header_size) else {
            throw .foreign(.geometry)
        }
        guard lock.load(Int(sharedmem_lock_at_magic)) == sharedmem_lock_magic else { throw .foreign(.magic) }
        let checksum = Self.checksum(of: lock, upTo: Int(sharedmem_lock_at_checksum))
        guard lock.load(Int(sharedmem_lock_at_checksum)) == checksum else { throw .foreign(.checksum) }
        guard
            lock.load(Int(sharedmem_lock_at_version_word)) & 0xffff == UInt64(SHAREDMEM_LAYOUT_MAJOR),
            lock.load(Int(sharedmem_lock_at_segment_id)) == data.load(Int(sharedmem_at_segment_id)),
            lock.load(Int(sharedmem_lock_at_generation)) == data.load(Int(sharedmem_at_generation)),
            lock.load(Int(sharedmem_lock_at_lock_byte_count)) == UInt64(lockByteCount),
            lock.load(Int(sharedmem_lock_at_pins)) == UInt64(pinsOffset),
            lock.load(Int(sharedmem_lock_at_edges)) == UInt64(edgesOffset),
            lock.load(Int(sharedmem_lock_at_edges) + 8) == UInt64(edgesByteCount),
            edgesOffset + edgesByteCount <= lockByteCount
        else { throw .foreign(.geometry) }
    }
}
