internal import CSharedMem
internal import SharedMemStore
internal import TestSupport

/// A hostile writer: stores what it likes, and knows the layout.
struct Corruptor {
    /// What is spoiled.
    enum Kind: CaseIterable {
        case bytes, words, range
        case reference, tags, lengths, record
        case freeBlock, heapLists, edges
        case limbo, counters, undo, intent, transaction
        case epoch, lockWord, header, watch
    }

    let segment: HostileSegment
    let data: SharedBytes
    let lock: SharedBytes
    var random: SplitMix
    private let kinds: [Kind]
    private let isVerbose: Bool
    /// The last stores, in their order.
    private var journal: [Change] = []

    /// A store: what stood there and what stands there now.
    private struct Change {
        let isData: Bool
        let isHalf: Bool
        let offset: Int
        let old: UInt64
        let new: UInt64
    }

    init(_ segment: HostileSegment, kinds: [Kind], seed: UInt64, isVerbose: Bool) {
        self.segment = segment
        self.kinds = kinds
        self.isVerbose = isVerbose
        data = segment.data.bytes()
        lock = segment.lock.bytes()
        random = SplitMix(seed: seed)
    }

    /// Spoils one thing.
    mutating func spoil() {
        let kind = kinds[below(kinds.count)]
        if isVerbose { Trace.say("spoiling \(kind)") }
        switch kind {
        case .bytes: for _ in 0...below(8) { spoilByte() }
        case .words: for _ in 0...below(4) { spoilWord() }
        case .range: spoilRange()
        case .reference: put(reference(), inData: slot())
        case .tags: spoilTags()
        case .lengths: spoilLengths(at: record())
        case .record: spoilRecord(at: record())
        case .freeBlock: spoilFreeBlock()
        case .heapLists: spoilHeapLists()
        case .edges: spoilEdges()
        case .limbo: spoilLimbo()
        case .counters: spoilCounters()
        case .undo: spoilUndo()
        case .intent: spoilIntent()
        case .transaction: spoilTransaction()
        case .epoch: spoilEpoch()
        case .lockWord: spoilLockWord()
        case .header: spoilHeader()
        case .watch: spoilWatch()
        }
    }

    /// Puts one page of a file back as it was.
    mutating func heal(_ image: HostileSegment.Image) {
        let (file, bytes) = below(2) == 0 ? (segment.data, image.data) : (segment.lock, image.lock)
        let start = below(file.byteCount / 64) * 64
        file.restore(bytes, start..<min(start + 4096, file.byteCount))
    }
}

// MARK: - Numbers

extension Corruptor {
    /// A number from 0 to `limit` - 1.
    mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    /// A word that is likely to break arithmetic, or to be taken for something.
    mutating func word() -> UInt64 {
        switch below(16) {
        case 0: 0
        case 1: 1
        case 2: .max
        case 3: 1 << 63
        case 4: UInt64(Int64.max)
        case 5: 1 << 32
        case 6: UInt64(UInt32.max)
        case 7: 1 << 31
        case 8: (1 << 48) - 1
        case 9: UInt64.max - UInt64(below(1024))
        case 10, 11: UInt64(block())
        case 12: UInt64(block()) << 32 | UInt64(block())
        case 13: UInt64(below(1024))
        case 14: UInt64(segment.data.byteCount + below(129) - 64)
        default: random.next()
        }
    }

    /// A block number: often one inside the heap, otherwise at one of its limits or anywhere.
    mutating func block() -> UInt32 {
        let first = UInt32(segment.geometry.firstBlock)
        let end = UInt32(segment.geometry.endBlock)
        return switch below(16) {
        case 0: 0
        case 1: first &- 1
        case 2: first
        case 3: end - 1
        case 4: end
        case 5: end + UInt32(below(70))
        case 6: .max
        case 7: UInt32(truncatingIfNeeded: random.next())
        default: first + UInt32(below(segment.geometry.heapGranuleCount))
        }
    }

    /// A number of granules for a block: as many as there are behind it, about as many, or nonsense.
    mutating func granules(behind block: UInt32) -> UInt64 {
        let room = UInt64(bitPattern: Int64(segment.geometry.endBlock) - Int64(block))
        return switch below(8) {
        case 0: 0
        case 1: room
        case 2: room &+ 1
        case 3: room &- 1
        case 4: word()
        default: UInt64(below(40))
        }
    }

    /// The offset of a slot of the index, usually of one that is not empty.
    mutating func slot() -> Int {
        var offset = 0
        for _ in 0..<24 {
            let bucket = segment.geometry.indexOffset + below(segment.geometry.bucketCount) * 64
            offset = bucket + below(7) * 8
            if data.load(offset) != 0 { break }
        }
        return offset
    }

    /// The offset of a block of the heap: of a key's record, of limbo's head or of any.
    mutating func record() -> Int {
        let number: UInt64
        switch below(8) {
        case 0: number = lock.load(Int(sharedmem_lock_at_limbo_head))
        case 1: number = lock.load(Int(sharedmem_lock_at_limbo_tail))
        case 2: number = 0
        default: number = data.load(slot()) >> 32
        }
        let first = UInt64(segment.geometry.firstBlock)
        let isInside = number >= first && number < UInt64(segment.geometry.endBlock)
        return Int(isInside ? number : first + UInt64(below(segment.geometry.heapGranuleCount))) * 64
    }

    /// A reference to somewhere.
    mutating func reference() -> UInt64 {
        switch below(6) {
        case 0: word()
        case 1: data.load(slot())
        case 2: UInt64(block()) << 32
        default: UInt64(block()) << 32 | UInt64(below(200))
        }
    }
}

// MARK: - Stores

extension Corruptor {
    /// Stores a word into the data file.
    mutating func put(_ value: UInt64, inData offset: Int) {
        put(Change(isData: true, isHalf: false, offset: offset, old: data.load(offset), new: value))
    }

    /// Stores a word into the lock file.
    mutating func put(_ value: UInt64, inLock offset: Int) {
        put(Change(isData: false, isHalf: false, offset: offset, old: lock.load(offset), new: value))
    }

    /// Stores half a word into the data file.
    mutating func put32(_ value: UInt32, inData offset: Int) {
        put(Change(isData: true, isHalf: true, offset: offset, old: UInt64(data.load32(offset)), new: UInt64(value)))
    }

    /// Stores half a word into the lock file.
    mutating func put32(_ value: UInt32, inLock offset: Int) {
        put(Change(isData: false, isHalf: true, offset: offset, old: UInt64(lock.load32(offset)), new: UInt64(value)))
    }

    private mutating func put(_ change: Change) {
        if isVerbose {
            let place = "\(change.isData ? "data" : "lock")[\(change.offset)]"
            Trace.say("  \(place): \(change.old) -> \(change.new)\(change.isHalf ? " (32 bits)" : "")")
        }
        if journal.count == 32 { journal.removeAll(keepingCapacity: true) }
        journal.append(change)
        store(change.new, change)
    }

    private func store(_ value: UInt64, _ change: Change) {
        let bytes = change.isData ? data : lock
        if change.isHalf {
            bytes.store32(UInt32(truncatingIfNeeded: value), change.offset)
        } else {
            bytes.store(value, change.offset)
        }
    }

    /// Takes the last stores back and makes them again, a hundred times, as fast as it goes.
    ///
    /// Whoever reads a word twice, to check it and to use it, sees two different ones.
    func flicker() {
        for _ in 0..<100 {
            for change in journal { store(change.old, change) }
            for change in journal { store(change.new, change) }
        }
    }

    private mutating func spoilByte() {
        let isData = below(2) == 0
        let offset = anyOffset(isData: isData)
        let shift = UInt64(below(8) * 8)
        let value = (isData ? data : lock).load(offset) ^ (random.next() & 0xff) << shift
        if isData { put(value, inData: offset) } else { put(value, inLock: offset) }
    }

    private mutating func spoilWord() {
        let isData = below(2) == 0
        let offset = anyOffset(isData: isData)
        if isData { put(word(), inData: offset) } else { put(word(), inLock: offset) }
    }

    /// Anywhere in a file, but seldom among the pins, which are most of the lock file.
    private mutating func anyOffset(isData: Bool) -> Int {
        if isData { return below(data.byteCount / 8) * 8 }
        let offset = below(lock.byteCount / 8) * 8
        if offset >= segment.geometry.pinsOffset, offset < segment.geometry.edgesOffset, below(8) != 0 {
            return below(segment.geometry.pinsOffset / 8) * 8
        }
        return offset
    }

    /// Moves some bytes to another place, clears them or sets them, as a punched hole or a replayed page does.
    private mutating func spoilRange() {
        let isData = below(2) == 0
        let bytes = isData ? data : lock
        let count = min(8 << below(8), bytes.byteCount)
        let from = below((bytes.byteCount - count) / 8 + 1) * 8
        let to = below((bytes.byteCount - count) / 8 + 1) * 8
        let mode = below(4)
        for position in stride(from: 0, to: count, by: 8) {
            let value = mode == 0 ? 0 : mode == 1 ? UInt64.max : bytes.load(from + position)
            if isData { put(value, inData: to + position) } else { put(value, inLock: to + position) }
        }
    }
}
