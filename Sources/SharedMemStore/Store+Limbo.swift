internal import CSharedMem
internal import Synchronization

// Limbo: records that were replaced or deleted wait here, first in first out, until nobody can be reading them. A
// record carries the low half of the reuse epoch E of its retirement; it may be reused when E has moved by two. Readers
// accept what they copied if E moved by at most one, so E moves rarely: once for each `limboLimit` granules retired.

extension Store {
    /// Granules in limbo above which the epoch moves on: 4 KiB, some 30 small records.
    static var limboLimit: UInt64 { 64 }

    /// Records that one write gives back at most, unless it would fail otherwise.
    static var reclaimLimit: Int { 8 }

    /// Puts a record that the index doesn't name any more behind the last one.
    @inline(__always)
    func retire(_ block: Block, granuleCount: Int) {
        let epoch = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
        data.store32(0, block.offset &+ Int(sharedmem_record_link))
        data.store32(epoch, block.offset &+ Int(sharedmem_record_retire_epoch))
        let tail = Block(number: UInt32(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_limbo_tail))))
        if geometry.contains(tail) {
            data.store32(block.number, tail.offset &+ Int(sharedmem_record_link))
        } else {
            lock.store(UInt64(block.number), Int(sharedmem_lock_at_limbo_head))
        }
        lock.store(UInt64(block.number), Int(sharedmem_lock_at_limbo_tail))
        let granules = lock.load(Int(sharedmem_lock_at_limbo_granules))
        lock.store(granules &+ UInt64(granuleCount), Int(sharedmem_lock_at_limbo_granules))
    }

    /// The record that was retired first; nil: limbo is empty.
    @inline(__always)
    func limboHead() throws(StoreError) -> Record? {
        let number = lock.load(Int(sharedmem_lock_at_limbo_head))
        if number == 0 { return nil }
        guard let short = UInt32(exactly: number), let record = Record(Block(number: short), in: geometry) else {
            throw .corrupted(.limbo)
        }
        return record
    }

    /// Whether nobody can be reading the record any more.
    @inline(__always)
    func isReclaimable(_ record: Record) -> Bool {
        let retired = data.load32(record.offset &+ Int(sharedmem_record_retire_epoch))
        let now = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
        return now &- retired >= 2
    }

    /// Takes the head out of limbo and returns its granules; the block belongs to the caller then.
    @inline(__always)
    func popLimbo(_ head: Record) throws(StoreError) -> Int {
        guard let extent = head.extent(data, in: geometry) else { throw .corrupted(.limbo) }
        let next = data.load32(head.offset &+ Int(sharedmem_record_link))
        guard next == 0 || geometry.contains(Block(number: next)) else { throw .corrupted(.limbo) }
        lock.store(UInt64(next), Int(sharedmem_lock_at_limbo_head))
        if next == 0 { lock.store(0, Int(sharedmem_lock_at_limbo_tail)) }
        let granules = lock.load(Int(sharedmem_lock_at_limbo_granules))
        lock.store(granules &- UInt64(extent.granuleCount), Int(sharedmem_lock_at_limbo_granules))
        return extent.granuleCount
    }

    /// Moves the reuse epoch on by one.
    @inline(__always)
    func moveEpoch() {
        // SYNC: orders the stores that took records out of the index before the new epoch; pairs with the acquiring
        // load of E that begins a read: who sees the new epoch doesn't find those records any more.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        let epoch = data.load(Int(sharedmem_at_reuse_epoch))
        data.store(epoch &+ 1, Int(sharedmem_at_reuse_epoch))
        // SYNC: orders the new epoch before the first byte that is written into reclaimed memory; pairs with the
        // acquiring fence in `isValid(_:)`: who copied such a byte sees the new epoch when it validates.
        atomicMemoryFence(ordering: .releasing)
    }
}

// MARK: - Memory for a new record

extension Store {
    /// A block of exactly `granuleCount` granules: from limbo's head if that has the size, else from the heap.
    @inline(__always)
    func allocate(granuleCount: Int) throws(StoreError) -> Block {
        var head = try limboHead()
        if let record = head, lock.load(Int(sharedmem_lock_at_limbo_granules)) > Self.limboLimit, !isReclaimable(record)
        {
            moveEpoch()
        }
        var budget = Self.reclaimLimit
        while budget > 0, let record = head, isReclaimable(record) {
            let count = try popLimbo(record)
            let block = Block(number: UInt32(truncatingIfNeeded: record.offset / 64))
            if count == granuleCount { return block }
            try giveBack(block, granuleCount: count)
            head = try limboHead()
            budget &-= 1
        }
        if let block = try takeBlock(granuleCount: granuleCount) { return block }
        return try allocateAtAnyCost(granuleCount: granuleCount)
    }

    /// Gives back all that can be given back until the block fits.
    func allocateAtAnyCost(granuleCount: Int) throws(StoreError) -> Block {
        var steps = geometry.heapGranuleCount
        while steps > 0, let record = try limboHead() {
            var moves = 2
            while !isReclaimable(record), moves > 0 {
                moveEpoch()
                moves -= 1
            }
            let count = try popLimbo(record)
            try giveBack(Block(number: UInt32(truncatingIfNeeded: record.offset / 64)), granuleCount: count)
            // Looking is dear when the heap is fragmented: only after something that might have helped.
            if freeGranuleCount >= granuleCount, let block = try takeBlock(granuleCount: granuleCount) { return block }
            steps -= 1
        }
        throw .full(needed: granuleCount &* 64, available: try largestFreeGranuleCount() &* 64)
    }
}
