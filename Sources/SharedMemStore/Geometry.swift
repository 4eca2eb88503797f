internal import CSharedMem

/// Where everything is in a generation's two files: planned by the daemon, validated once at attach, private afterwards.
@usableFromInline
package struct Geometry: Equatable, Sendable {
    /// Bytes of the data file.
    @usableFromInline
    package let dataByteCount: Int
    /// Bytes of the lock file.
    @usableFromInline
    package let lockByteCount: Int
    /// Offset of the first bucket.
    @usableFromInline
    package let indexOffset: Int
    /// Buckets that are homes; as many as the reach more follow.
    @usableFromInline
    package let homeBucketCount: Int
    /// Offset of the change ring.
    @usableFromInline
    package let ringOffset: Int
    /// Bytes of the change ring.
    @usableFromInline
    package let ringByteCount: Int
    /// Offset of the heap's first granule.
    @usableFromInline
    package let heapOffset: Int
    /// Granules of the heap.
    @usableFromInline
    package let heapGranuleCount: Int
    /// Offset of the pin slots in the lock file.
    @usableFromInline
    package let pinsOffset: Int
    /// Offset of the bitmap of free blocks' edges in the lock file.
    @usableFromInline
    package let edgesOffset: Int
    /// The seed of the index's hash.
    @usableFromInline
    package var hashSeed: UInt64

    /// The number of the heap's first block; kept, because every read needs it.
    @usableFromInline
    package let firstBlock: Int
    /// Offset behind the heap; kept, too.
    @usableFromInline
    package let heapEnd: Int
    /// Words of the index; kept, too.
    @usableFromInline
    package let indexWordCount: Int

    /// The number behind the heap's last granule.
    @inline(__always)
    package var endBlock: Int { firstBlock &+ heapGranuleCount }

    /// All buckets, those that are nobody's home included.
    @inline(__always)
    package var bucketCount: Int { homeBucketCount &+ Geometry.reachLimit }

    /// The furthest bucket from its home that a key can stand at.
    @inline(__always)
    package static var reachLimit: Int { Int(SHAREDMEM_REACH_MAX) }
}

// MARK: - Planning

extension Geometry {
    /// The smallest data file, in bytes.
    package static var minimumByteCount: UInt64 { 64 << 10 }

    /// The largest data file, in bytes: block numbers have 32 bits.
    package static var maximumByteCount: UInt64 { 256 << 30 - page }

    static var page: UInt64 { 4096 }

    /// Plans the files of a segment whose data file has `byteCount` bytes, rounded up to whole pages, and whose index is
    /// made for `entryCount` keys (0: for as many records of 128 bytes as fit).
    package init(planning byteCount: UInt64, entryCount: UInt64) throws(StoreError) {
        guard byteCount >= Self.minimumByteCount, byteCount <= Self.maximumByteCount else {
            throw .sizeOutOfRange(byteCount)
        }
        let data = (byteCount + Self.page - 1) / Self.page * Self.page
        let header = UInt64(sharedmem_data_header_size)
        let ringEntry = UInt64(SHAREDMEM_RING_ENTRY_BYTES)
        let ringByteCount = min(max(data / 1024 / ringEntry, 8), 8192) * ringEntry
        let bucket = UInt64(sharedmem_bucket_size)
        let slack = UInt64(SHAREDMEM_REACH_MAX) * bucket
        let room = data - header - ringByteCount - slack
        // 7 slots a bucket are filled to 17/3 on average: then even the worst of 10 million keys was some 65 buckets from
        // its home, within the reach of 96; one key of ten isn't in its home, one of seventeen with 5 a bucket.
        let (filled, buckets): (UInt64, UInt64) = (17, 3)
        let homes =
            entryCount == 0
            ? room / (bucket * buckets + filled * 128) * buckets : entryCount / filled * buckets + buckets
        let leastHeap: UInt64 = 4096
        guard homes <= (room - leastHeap) / bucket else {
            throw .tooManyEntries(asked: entryCount, possible: (room - leastHeap) / bucket / buckets * filled)
        }
        let heapOffset = header + (homes * bucket + slack) + ringByteCount
        self.init(
            homeBucketCount: Int(homes), ringByteCount: Int(ringByteCount),
            heapGranuleCount: Int((data - heapOffset) / UInt64(SHAREDMEM_GRANULE)), dataByteCount: Int(data))
    }

    /// Lays out files whose parts have these sizes; the data file has `dataByteCount` bytes, or as many as it needs.
    package init(homeBucketCount: Int, ringByteCount: Int, heapGranuleCount: Int, dataByteCount: Int? = nil) {
        let indexByteCount = (homeBucketCount + Self.reachLimit) * Int(sharedmem_bucket_size)
        indexOffset = Int(sharedmem_data_header_size)
        self.homeBucketCount = homeBucketCount
        ringOffset = indexOffset + indexByteCount
        self.ringByteCount = ringByteCount
        heapOffset = ringOffset + ringByteCount
        self.heapGranuleCount = heapGranuleCount
        firstBlock = heapOffset / 64
        heapEnd = heapOffset + heapGranuleCount * 64
        indexWordCount = indexByteCount / 8
        self.dataByteCount = dataByteCount ?? heapOffset + heapGranuleCount * 64
        pinsOffset = Int(sharedmem_lock_header_size)
        edgesOffset = pinsOffset + Int(SHAREDMEM_SESSIONS_MAX) * Int(sharedmem_pin_size)
        let lockByteCount = edgesOffset + (heapGranuleCount + 511) / 512 * 64
        self.lockByteCount = (lockByteCount + Int(Self.page) - 1) / Int(Self.page) * Int(Self.page)
        hashSeed = 0
    }
}

// MARK: - Checks of what comes from shared memory

extension Geometry {
    /// The granules that a record with a key and a value of these sizes takes.
    @inline(__always)
    package static func granules(keyByteCount: Int, valueByteCount: Int) -> Int {
        // Shifted, not divided: no count is negative.
        (Int(sharedmem_record_size) &+ ((keyByteCount &+ 7) & ~7) &+ valueByteCount &+ 63) &>> 6
    }

    /// Whether `block` is inside the heap.
    @inlinable @inline(__always)
    package func contains(_ block: Block) -> Bool {
        UInt(bitPattern: Int(block.number) &- firstBlock) < UInt(bitPattern: heapGranuleCount)
    }

    /// Whether `granuleCount` granules at `block` are inside the heap.
    @inline(__always)
    package func contains(_ block: Block, granuleCount: UInt64) -> Bool {
        contains(block) && granuleCount >= 1 && granuleCount <= UInt64(endBlock &- Int(block.number))
    }
}
