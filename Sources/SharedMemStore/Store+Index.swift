public import CSharedMem

// The index: buckets of one cache line, 7 references and a word of 7 tags and a reach. A key stands at most its home's
// reach away from its home. An insert stores reach, tag and reference in this order; a delete stores reference 0;
// nothing moves. Only reference 0 means empty, so a tag or a reach that a killed writer left is harmless.

/// The word of tags and reach of one bucket.
@usableFromInline
struct Tags {
    /// Byte i is the tag of slot i, byte 7 the reach.
    @usableFromInline
    var bits: UInt64

    @inlinable @inline(__always)
    init(bits: UInt64) { self.bits = bits }

    /// The furthest bucket that a key of this home was ever put at; bounded, whatever the memory says.
    @inline(__always)
    var reach: Int { min(Int(bits >> 56), Geometry.reachLimit) }

    /// One bit (the highest of its byte) for each slot that may have the tag; a byte above a match may be named too.
    ///
    /// Source: "Determine if a word has a byte equal to n", S. E. Anderson, Bit Twiddling Hacks.
    @inlinable @inline(__always)
    func matches(_ tag: UInt64) -> UInt64 {
        let difference = bits ^ (tag &* 0x0101_0101_0101_0101)
        return (difference &- 0x0101_0101_0101_0101) & ~difference & 0x0080_8080_8080_8080
    }

    /// The same with the tag of one slot replaced.
    @inline(__always)
    func with(_ tag: UInt64, inSlot slot: Int) -> Tags {
        let shift = UInt64(slot &* 8)
        return Tags(bits: bits & ~(0xff << shift) | tag << shift)
    }

    /// The same with another reach.
    @inline(__always)
    func with(reach: Int) -> Tags { Tags(bits: bits & ~(0xff << 56) | UInt64(reach) << 56) }
}

extension Store {
    @inlinable @inline(__always)
    func bucketOffset(_ bucket: Int) -> Int { geometry.indexOffset &+ bucket &* Int(sharedmem_bucket_size) }

    @inlinable @inline(__always)
    func tags(ofBucketAt offset: Int) -> Tags { Tags(bits: data.load(offset &+ Int(sharedmem_bucket_tags))) }

    /// Whether `offset` is that of a reference in the index.
    @inline(__always)
    func isSlot(_ offset: Int) -> Bool { isIndexWord(offset) && offset & 63 != Int(sharedmem_bucket_tags) }

    /// Whether `offset` is that of a reference or of tags in the index.
    @inlinable @inline(__always)
    func isIndexWord(_ offset: Int) -> Bool {
        // The remainder of the division by 8 gets into the high bits: what isn't a word's offset is too large.
        let distance = UInt(bitPattern: offset &- geometry.indexOffset)
        return distance &>> 3 | distance &<< 61 < UInt(bitPattern: geometry.indexWordCount)
    }

    /// Where a writer found a key.
    struct Position {
        /// Offset of the slot in the data file.
        var slotOffset: Int
        /// What the slot holds.
        var reference: Reference
        /// The record.
        var record: Record
        /// Its sizes.
        var extent: Record.Extent
    }

    /// Finds a key; only for the lock holder, before whom nothing changes.
    @inline(__always)
    func position(of key: UnsafeRawBufferPointer, _ hash: KeyHash) throws(StoreError) -> Position? {
        let home = hash.home(among: geometry.homeBucketCount)
        var bucket = bucketOffset(home)
        var word = tags(ofBucketAt: bucket)
        var remaining = word.reach
        while true {
            var matches = word.matches(hash.tag)
            while matches != 0 {
                let slot = bucket &+ matches.trailingZeroBitCount / 8 &* 8
                matches &= matches &- 1
                if let position = try unsafe position(of: key, atSlot: slot) { return position }
            }
            if remaining == 0 { return nil }
            remaining &-= 1
            bucket &+= Int(sharedmem_bucket_size)
            word = tags(ofBucketAt: bucket)
        }
    }

    /// Looks whether a slot holds a key; only for the lock holder.
    @inline(__always)
    func position(of key: UnsafeRawBufferPointer, atSlot slot: Int) throws(StoreError) -> Position? {
        guard isSlot(slot) else { return nil }
        let reference = Reference(bits: data.load(slot))
        if reference.isEmpty { return nil }
        guard let record = Record(reference.block, in: geometry), let extent = record.extent(data, in: geometry) else {
            throw .corrupted(.record)
        }
        guard extent.keyByteCount == key.count, unsafe isKey(key, of: record) else { return nil }
        return Position(slotOffset: slot, reference: reference, record: record, extent: extent)
    }

    @inline(__always)
    func isKey(_ key: UnsafeRawBufferPointer, of record: Record) -> Bool {
        guard let start = key.baseAddress else { return true }
        return unsafe data.equals(start, count: key.count, record.keyOffset)
    }

    /// An empty slot for a key that isn't there, with tag and reach already stored; nil: none is near enough.
    func prepareSlot(_ hash: KeyHash) -> Int? {
        let home = hash.home(among: geometry.homeBucketCount)
        let homeOffset = bucketOffset(home)
        for distance in 0...Geometry.reachLimit {
            let bucket = homeOffset &+ distance &* Int(sharedmem_bucket_size)
            for slot in 0..<Int(SHAREDMEM_BUCKET_SLOTS) where data.load(bucket &+ slot &* 8) == 0 {
                let homeTags = tags(ofBucketAt: homeOffset)
                if homeTags.reach < distance {
                    data.store(homeTags.with(reach: distance).bits, homeOffset &+ Int(sharedmem_bucket_tags))
                }
                let word = tags(ofBucketAt: bucket).with(hash.tag, inSlot: slot)
                data.store(word.bits, bucket &+ Int(sharedmem_bucket_tags))
                return bucket &+ slot &* 8
            }
        }
        return nil
    }
}
