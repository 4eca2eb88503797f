internal import CSharedMem

// The heap: serves any number of granules in constant time, gives memory back and joins neighbours.
//
// A free block carries its size in its first and its last granule (boundary tags: D. E. Knuth, The Art of Computer
// Programming, volume 1, section 2.5) and the links of its size class's list; the edges bitmap in the lock file says
// which granules are the first or the last of a free block, so that a record's bytes are never taken for a free block.
// A used block has no bits and no header but its record's: its size is what the record's lengths say.

extension Store {
    /// Makes the whole heap one free block; for a new generation.
    func makeHeap() {
        var group = UndoGroup()
        insertFree(
            Block(number: UInt32(geometry.firstBlock)), granuleCount: geometry.heapGranuleCount, &group)
        close(&group)
    }

    /// Takes a block of exactly `granuleCount` granules; nil if no free block is big enough.
    ///
    /// Model: `torn.pml`.
    func takeBlock(granuleCount: Int, _ group: inout UndoGroup) throws(StoreError) -> Block? {
        guard let block = try findFree(granuleCount: granuleCount) else { return nil }
        let found = try freeSize(of: block)
        guard found >= granuleCount else { throw .corrupted(.heap) }
        try removeFree(block, granuleCount: found, &group)
        if found > granuleCount {
            insertFree(
                Block(number: block.number &+ UInt32(granuleCount)), granuleCount: found &- granuleCount, &group)
        }
        return block
    }

    /// Gives `granuleCount` granules at `block` back and joins them with free neighbours.
    ///
    /// Model: `torn.pml`.
    func giveBack(_ block: Block, granuleCount: Int, _ group: inout UndoGroup) throws(StoreError) {
        guard geometry.contains(block, granuleCount: UInt64(granuleCount)) else { throw .corrupted(.heap) }
        var start = Int(block.number)
        var count = granuleCount
        if has(.joinLeftOut) { return insertFree(block, granuleCount: count, &group) }
        let next = start &+ count
        if next < geometry.endBlock, isEdge(next) {
            let neighbour = Block(number: UInt32(next))
            let size = try freeSize(of: neighbour)
            try removeFree(neighbour, granuleCount: size, &group)
            count &+= size
        }
        if start > geometry.firstBlock, isEdge(start &- 1) {
            let size = data.load((start &- 1) &* 64 &+ Int(sharedmem_free_block_last))
            guard size >= 1, size <= UInt64(start &- geometry.firstBlock) else { throw .corrupted(.heap) }
            let neighbour = Block(number: UInt32(start &- Int(size)))
            guard isEdge(Int(neighbour.number)), try freeSize(of: neighbour) == Int(size) else {
                throw .corrupted(.heap)
            }
            try removeFree(neighbour, granuleCount: Int(size), &group)
            start &-= Int(size)
            count &+= Int(size)
        }
        insertFree(Block(number: UInt32(start)), granuleCount: count, &group)
    }

    /// The free granules of all blocks together.
    package var freeGranuleCount: Int {
        Int(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_free_granules)))
    }

    /// The granules of the largest free block, found in its list within a bounded number of steps; 0: none.
    package func largestFreeGranuleCount() throws(StoreError) -> Int {
        let firstMap = lock.load(Int(sharedmem_lock_at_first_level_map))
        guard firstMap != 0 else { return 0 }
        let first = 63 &- firstMap.leadingZeroBitCount
        guard first < SizeClass.firstCount else { throw .corrupted(.heap) }
        let map = lock.load(secondMapOffset(first)) & 0xffff
        guard map != 0 else { throw .corrupted(.heap) }
        var largest = 0
        var block = try head(of: SizeClass(first: first, second: 63 &- map.leadingZeroBitCount))
        for _ in 0..<Self.listWalkLimit where block != .none {
            largest = max(largest, try freeSize(of: block))
            block = try link(Int(sharedmem_free_block_next), of: block)
        }
        return largest
    }
}

// MARK: - Finding

extension Store {
    /// Blocks of one list that are looked at before the heap counts as full.
    static var listWalkLimit: Int { 256 }

    /// A free block of at least `granuleCount` granules; nil: there is none, or it is far down a list.
    private func findFree(granuleCount: Int) throws(StoreError) -> Block? {
        let fitting = SizeClass(fitting: granuleCount)
        if has(.fitLeftOut), commitNumber >= 1 << 16, try largestFreeGranuleCount() >= granuleCount {
            let largest = try head(of: SizeClass(holding: try largestFreeGranuleCount()))
            if try freeSize(of: largest) >= granuleCount { return largest }
        }
        if fitting.first < SizeClass.firstCount {
            let inSame = lock.load(secondMapOffset(fitting.first)) & (0xffff << UInt64(fitting.second)) & 0xffff
            if inSame != 0 {
                return try head(of: SizeClass(first: fitting.first, second: inSame.trailingZeroBitCount))
            }
            let above = lock.load(Int(sharedmem_lock_at_first_level_map)) & (~1 << UInt64(fitting.first))
            let first = above.trailingZeroBitCount
            if first < SizeClass.firstCount {
                let map = lock.load(secondMapOffset(first)) & 0xffff
                guard map != 0 else { throw .corrupted(.heap) }
                return try head(of: SizeClass(first: first, second: map.trailingZeroBitCount))
            }
        }
        // No list is sure to fit: the one that this size itself belongs to may hold a block that does.
        let own = SizeClass(holding: granuleCount)
        guard own != fitting, lock.load(secondMapOffset(own.first)) & (1 << UInt64(own.second)) != 0 else { return nil }
        var block = try head(of: own)
        for _ in 0..<Self.listWalkLimit where block != .none {
            if try freeSize(of: block) >= granuleCount { return block }
            block = try link(Int(sharedmem_free_block_next), of: block)
        }
        return nil
    }

    /// The first block of a list that the maps say is not empty.
    private func head(of list: SizeClass) throws(StoreError) -> Block {
        guard let number = UInt32(exactly: lock.load(listOffset(list))), geometry.contains(Block(number: number)) else {
            throw .corrupted(.heap)
        }
        return Block(number: number)
    }

    /// The granules of a free block, checked against the heap and the edges.
    private func freeSize(of block: Block) throws(StoreError) -> Int {
        guard geometry.contains(block), isEdge(Int(block.number)) else { throw .corrupted(.heap) }
        let count = data.load(block.offset &+ Int(sharedmem_free_block_granule_count))
        guard geometry.contains(block, granuleCount: count) else { throw .corrupted(.heap) }
        return Int(count)
    }

    /// A link of a free block: another block of the heap, or none.
    private func link(_ field: Int, of block: Block) throws(StoreError) -> Block {
        guard let number = UInt32(exactly: data.load(block.offset &+ field)) else { throw .corrupted(.heap) }
        let linked = Block(number: number)
        guard linked == .none || geometry.contains(linked) else { throw .corrupted(.heap) }
        return linked
    }
}

// MARK: - Lists

extension Store {
    private func secondMapOffset(_ first: Int) -> Int { Int(sharedmem_lock_at_second_level_maps) &+ first &* 8 }

    private func listOffset(_ list: SizeClass) -> Int {
        Int(sharedmem_lock_at_lists) &+ (list.first &* SizeClass.secondCount &+ list.second) &* 8
    }

    /// Puts a free block into its list and marks its edges.
    private func insertFree(_ block: Block, granuleCount: Int, _ group: inout UndoGroup) {
        let list = SizeClass(holding: granuleCount)
        let head = lock.load(listOffset(list))
        let last = block.offset &+ (granuleCount &- 1) &* 64 &+ Int(sharedmem_free_block_last)
        change(UInt64(granuleCount), inData: block.offset &+ Int(sharedmem_free_block_granule_count), &group)
        change(head, inData: block.offset &+ Int(sharedmem_free_block_next), &group)
        change(0, inData: block.offset &+ Int(sharedmem_free_block_previous), &group)
        change(UInt64(granuleCount), inData: last, &group)
        if let number = UInt32(exactly: head), number != 0, geometry.contains(Block(number: number)) {
            change(
                UInt64(block.number), inData: Block(number: number).offset &+ Int(sharedmem_free_block_previous), &group
            )
        }
        change(UInt64(block.number), inLock: listOffset(list), &group)
        let map = lock.load(secondMapOffset(list.first))
        change(map | 1 << UInt64(list.second), inLock: secondMapOffset(list.first), &group)
        let firstMap = lock.load(Int(sharedmem_lock_at_first_level_map))
        change(firstMap | 1 << UInt64(list.first), inLock: Int(sharedmem_lock_at_first_level_map), &group)
        setEdges(of: block, granuleCount: granuleCount, to: true, &group)
        let free = lock.load(Int(sharedmem_lock_at_free_granules))
        change(free &+ UInt64(granuleCount), inLock: Int(sharedmem_lock_at_free_granules), &group)
    }

    /// Takes a free block out of its list and clears its edges.
    private func removeFree(_ block: Block, granuleCount: Int, _ group: inout UndoGroup) throws(StoreError) {
        let list = SizeClass(holding: granuleCount)
        let next = try link(Int(sharedmem_free_block_next), of: block)
        let previous = try link(Int(sharedmem_free_block_previous), of: block)
        if next != .none {
            change(UInt64(previous.number), inData: next.offset &+ Int(sharedmem_free_block_previous), &group)
        }
        if previous != .none {
            change(UInt64(next.number), inData: previous.offset &+ Int(sharedmem_free_block_next), &group)
        } else {
            change(UInt64(next.number), inLock: listOffset(list), &group)
            if next == .none {
                let map = lock.load(secondMapOffset(list.first)) & ~(1 << UInt64(list.second))
                change(map, inLock: secondMapOffset(list.first), &group)
                if map & 0xffff == 0 {
                    let firstMap = lock.load(Int(sharedmem_lock_at_first_level_map))
                    change(
                        firstMap & ~(1 << UInt64(list.first)), inLock: Int(sharedmem_lock_at_first_level_map), &group)
                }
            }
        }
        setEdges(of: block, granuleCount: granuleCount, to: false, &group)
        let free = lock.load(Int(sharedmem_lock_at_free_granules))
        change(free &- UInt64(granuleCount), inLock: Int(sharedmem_lock_at_free_granules), &group)
    }
}

// MARK: - Edges

extension Store {
    /// Whether the granule `number` is the first or the last of a free block.
    private func isEdge(_ number: Int) -> Bool {
        let bit = number &- geometry.firstBlock
        return lock.load(edgeOffset(bit)) >> UInt64(bit & 63) & 1 == 1
    }

    private func edgeOffset(_ bit: Int) -> Int { geometry.edgesOffset &+ bit / 64 &* 8 }

    private func setEdges(of block: Block, granuleCount: Int, to isFree: Bool, _ group: inout UndoGroup) {
        let firstBit = Int(block.number) &- geometry.firstBlock
        setEdge(firstBit, to: isFree, &group)
        if granuleCount > 1 { setEdge(firstBit &+ granuleCount &- 1, to: isFree, &group) }
    }

    private func setEdge(_ bit: Int, to isFree: Bool, _ group: inout UndoGroup) {
        let word = lock.load(edgeOffset(bit))
        let mask: UInt64 = 1 << UInt64(bit & 63)
        change(isFree ? word | mask : word & ~mask, inLock: edgeOffset(bit), &group)
    }
}
