internal import CSharedMem

/// A record in the data file: a block of the heap whose first 48 bytes are a record's header.
///
/// Making one checks that the block is inside the heap; `extent` reads the lengths once and checks them too.
struct Record {
    /// Bytes from the start of the data file.
    let offset: Int

    /// A record at `block`; nil if the block is outside the heap.
    @inline(__always)
    init?(_ block: Block, in geometry: Geometry) {
        guard geometry.contains(block) else { return nil }
        offset = block.offset
    }

    /// The block.
    @inline(__always)
    var block: Block { Block(number: UInt32(truncatingIfNeeded: offset / 64)) }

    /// Where the key and the value of a record are, checked against the heap.
    struct Extent {
        /// Bytes of the key.
        let keyByteCount: Int
        /// Bytes of the value.
        let valueByteCount: Int

        @inline(__always)
        init(keyByteCount: Int, valueByteCount: Int) {
            self.keyByteCount = keyByteCount
            self.valueByteCount = valueByteCount
        }

        /// The word that says so in the record.
        @inline(__always)
        var lengths: UInt64 {
            UInt64(truncatingIfNeeded: keyByteCount) | UInt64(truncatingIfNeeded: valueByteCount) << 16
        }

        /// The granules of the record's block.
        @inline(__always)
        var granuleCount: Int { Geometry.granules(keyByteCount: keyByteCount, valueByteCount: valueByteCount) }
    }

    /// Reads the lengths once; nil if they are not those of a record inside the heap.
    @inline(__always)
    func extent(_ data: SharedBytes, in geometry: Geometry) -> Extent? {
        let lengths = data.load(offset &+ Int(sharedmem_record_lengths))
        let extent = Extent(keyByteCount: Int(lengths & 0xffff), valueByteCount: Int(lengths >> 16))
        #if SHAREDMEM_TEST_HOOKS
            let room = geometry.endBlock &* 64 &- offset &+ (SeededFault.ofThisProcess == .overrun ? 1 : 0)
        #else
            let room = geometry.endBlock &* 64 &- offset
        #endif
        guard extent.keyByteCount <= Record.keyLimit,
            extent.valueByteCount <= room &- (keyOffset &- offset) &- ((extent.keyByteCount &+ 7) & ~7)
        else { return nil }
        return extent
    }

    /// Bytes of the longest key.
    @inline(__always)
    static var keyLimit: Int { Int(SHAREDMEM_KEY_MAX) }

    /// Where the key begins.
    @inline(__always)
    var keyOffset: Int { offset &+ Int(sharedmem_record_size) }

    /// Where the value begins: the next multiple of 8 behind the key.
    @inline(__always)
    func valueOffset(_ extent: Extent) -> Int { keyOffset &+ ((extent.keyByteCount &+ 7) & ~7) }
}

// MARK: - Header

/// The part of a record's header that describes its value, loaded once.
struct RecordHeader {
    /// The commit number it was published at.
    let version: UInt64
    /// ns since the epoch.
    let writtenAt: UInt64
    /// ns of CLOCK_BOOTTIME; 0: never.
    let expiresAt: UInt64
    /// Session in the low half, link in the high half.
    private let sessionAndLink: UInt64
    /// Type in bits 0-7, flags in bits 8-15.
    private let typeAndFlags: UInt32

    @inline(__always)
    init(_ data: SharedBytes, at offset: Int) {
        version = data.load(offset &+ Int(sharedmem_record_version))
        writtenAt = data.load(offset &+ Int(sharedmem_record_written_at))
        expiresAt = data.load(offset &+ Int(sharedmem_record_expires_at))
        sessionAndLink = data.load(offset &+ Int(sharedmem_record_session))
        typeAndFlags = data.load32(offset &+ Int(sharedmem_record_type))
    }

    /// Who wrote it.
    var session: UInt32 { UInt32(truncatingIfNeeded: sessionAndLink) }

    /// What a pending record replaces, not yet checked against any geometry; none: nothing.
    var link: Block { Block(number: UInt32(truncatingIfNeeded: sessionAndLink >> 32)) }

    /// The type tag.
    var type: UInt8 { UInt8(truncatingIfNeeded: typeAndFlags) }

    /// Whether it belongs to a transaction that may not be committed.
    var isPending: Bool { typeAndFlags >> 8 & UInt32(SHAREDMEM_RECORD_PENDING) != 0 }

    /// Whether it says that its key is deleted.
    var isTombstone: Bool { typeAndFlags >> 8 & UInt32(SHAREDMEM_RECORD_TOMBSTONE) != 0 }

    /// The word of type and flags.
    static func word(type: UInt8, flags: UInt32 = 0) -> UInt32 { UInt32(type) | flags << 8 }
}
