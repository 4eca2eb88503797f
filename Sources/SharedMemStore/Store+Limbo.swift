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
    ///
    /// Models: `pin.pml`, `pub.pml` and `torn.pml`.
    @inline(__always)
    func isReclaimable(_ record: Record) -> Bool {
        // The pins are scanned after both moves of the epoch since the retirement, each of which fenced.
        isOutdated(record) && pinHolder(of: record) == nil
    }

    /// Whether the epoch has moved far enough since the retirement for readers without a pin.
    @inline(__always)
    private func isOutdated(_ record: Record) -> Bool {
        let retired = data.load32(record.offset &+ Int(sharedmem_record_retire_epoch))
        let now = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
        return now &- retired >= 2
    }

    /// Who keeps limbo's head from being reused; nil: nobody.
    @inline(__always)
    private func pinHolder(of head: Record) -> UInt32? {
        pinHolder(keeping: data.load32(head.offset &+ Int(sharedmem_record_retire_epoch)))
    }

    /// The size of limbo's head and the block behind it, both checked.
    @inline(__always)
    func shape(ofLimboHead head: Record) throws(StoreError) -> LimboShape {
        guard let extent = head.extent(data, in: geometry) else { throw .corrupted(.limbo) }
        let next = Block(number: data.load32(head.offset &+ Int(sharedmem_record_link)))
        guard next == .none || geometry.contains(next) else { throw .corrupted(.limbo) }
        return LimboShape(granuleCount: extent.granuleCount, next: next)
    }

    /// What is known of limbo's head.
    struct LimboShape {
        /// Granules of its block.
        let granuleCount: Int
        /// The record behind it; none: it is the only one.
        let next: Block
    }

    /// Takes limbo's head out and gives its block back to the heap.
    ///
    /// Models: `torn.pml` and `write.pml`.
    func reclaimHead(_ head: Record, _ shape: LimboShape) throws(StoreError) {
        var group = UndoGroup()
        do throws(StoreError) {
            change(UInt64(shape.next.number), inLock: Int(sharedmem_lock_at_limbo_head), &group)
            if shape.next == .none { change(0, inLock: Int(sharedmem_lock_at_limbo_tail), &group) }
            let granules = lock.load(Int(sharedmem_lock_at_limbo_granules))
            change(granules &- UInt64(shape.granuleCount), inLock: Int(sharedmem_lock_at_limbo_granules), &group)
            try giveBack(head.block, granuleCount: shape.granuleCount, &group)
        } catch {
            try undoOpenGroup()
            throw error
        }
        close(&group)
    }

    /// Moves the reuse epoch on by one.
    ///
    /// Models: `pin.pml` and `pub.pml`.
    @inline(__always)
    package func moveEpoch() {
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

/// A block for a new record.
struct Allocation {
    /// Where it is.
    let block: Block
    /// The block behind it in limbo, if it is limbo's head and stays so until the record is published; nil: it was taken
    /// from the heap.
    let nextInLimbo: Block?
}

extension Store {
    /// A block of exactly `granuleCount` granules: limbo's head if that has the size, else one of the heap.
    ///
    /// Models: `pin.pml`, `pub.pml` and `write.pml`.
    @inline(__always)
    func allocate(granuleCount: Int) throws(StoreError) -> Allocation {
        guard let head = try limboHead() else { return try allocateFromHeap(granuleCount: granuleCount) }
        if has(.limboLeftOut) { for _ in 0..<2 { moveEpoch() } }
        if !isReclaimable(head) {
            // What only a pin keeps waits for that: the epoch would move with each write, and overtake readers for
            // nothing.
            if lock.load(Int(sharedmem_lock_at_limbo_granules)) > Self.limboLimit, !isOutdated(head) { moveEpoch() }
            if !isReclaimable(head) { return try allocateFromHeap(granuleCount: granuleCount) }
        }
        let shape = try shape(ofLimboHead: head)
        if shape.granuleCount == granuleCount { return Allocation(block: head.block, nextInLimbo: shape.next) }
        return try allocateAfterReclaiming(granuleCount: granuleCount)
    }

    /// Gives some records of limbo back until one has the size; else takes a block from the heap.
    ///
    /// Model: `torn.pml`.
    private func allocateAfterReclaiming(granuleCount: Int) throws(StoreError) -> Allocation {
        for _ in 0..<Self.reclaimLimit {
            guard let head = try limboHead(), isReclaimable(head) else { break }
            let shape = try shape(ofLimboHead: head)
            if shape.granuleCount == granuleCount { return Allocation(block: head.block, nextInLimbo: shape.next) }
            try reclaimHead(head, shape)
        }
        return try allocateFromHeap(granuleCount: granuleCount)
    }

    /// A block of exactly `granuleCount` granules that the undo state names as taken: for who allocates several before
    /// anything is published.
    ///
    /// Model: `write.pml`.
    func allocateTaken(granuleCount: Int) throws(StoreError) -> Block {
        let allocation = try allocate(granuleCount: granuleCount)
        guard let next = allocation.nextInLimbo else { return allocation.block }
        var group = UndoGroup()
        change(UInt64(next.number), inLock: Int(sharedmem_lock_at_limbo_head), &group)
        if next == .none { change(0, inLock: Int(sharedmem_lock_at_limbo_tail), &group) }
        let granules = lock.load(Int(sharedmem_lock_at_limbo_granules))
        change(granules &- UInt64(granuleCount), inLock: Int(sharedmem_lock_at_limbo_granules), &group)
        close(&group, taking: allocation.block, granuleCount: granuleCount)
        return allocation.block
    }

    private func allocateFromHeap(granuleCount: Int) throws(StoreError) -> Allocation {
        if let block = try take(granuleCount: granuleCount) { return Allocation(block: block, nextInLimbo: nil) }
        return try allocateAtAnyCost(granuleCount: granuleCount)
    }

    /// Gives back all that can be given back until a block fits.
    ///
    /// Model: `pin.pml`.
    private func allocateAtAnyCost(granuleCount: Int) throws(StoreError) -> Allocation {
        var steps = geometry.heapGranuleCount
        while steps > 0, let head = try limboHead() {
            var moves = 2
            while !isOutdated(head), moves > 0 {
                moveEpoch()
                moves -= 1
            }
            if let holder = pinHolder(of: head) {
                throw .pinned(
                    needed: granuleCount &* 64, session: holder,
                    byteCount: Int(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_limbo_granules)) &* 64))
            }
            try reclaimHead(head, try shape(ofLimboHead: head))
            // Looking is dear when the heap is fragmented: only when it might help.
            if freeGranuleCount >= granuleCount, let block = try take(granuleCount: granuleCount) {
                return Allocation(block: block, nextInLimbo: nil)
            }
            steps -= 1
        }
        throw .full(needed: granuleCount &* 64, available: try largestFreeGranuleCount() &* 64)
    }

    /// Takes a block from the heap and says so in the undo state; nil: none is big enough.
    ///
    /// Model: `write.pml`.
    private func take(granuleCount: Int) throws(StoreError) -> Block? {
        var group = UndoGroup()
        do throws(StoreError) {
            guard let block = try takeBlock(granuleCount: granuleCount, &group) else { return nil }
            close(&group, taking: block, granuleCount: granuleCount)
            return block
        } catch {
            try undoOpenGroup()
            throw error
        }
    }
}
