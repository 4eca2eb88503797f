internal import CSharedMem
internal import SharedMemStore

/// What the free blocks of a heap are worth.
struct FreeSpace {
    /// Free blocks.
    var blockCount = 0
    /// Granules of all of them.
    var granuleCount = 0
    /// Granules of those that are too small for the value that was asked about.
    var tooSmallGranuleCount = 0
    /// Granules of the largest.
    var largestGranuleCount = 0

    /// The share of the free granules that the value can't use, 0 to 1.
    var waste: Double { granuleCount == 0 ? 0 : Double(tooSmallGranuleCount) / Double(granuleCount) }

    /// Walks the free lists of `store`, which is at rest and sound, and asks about a value of `needed` granules.
    init(of store: Store, for needed: Int) {
        let listCount = Int(SHAREDMEM_FIRST_LEVELS) * Int(SHAREDMEM_SECOND_LEVELS)
        for list in 0..<listCount {
            var number = store.lock.load(Int(sharedmem_lock_at_lists) + list * 8)
            while number != 0, blockCount < store.geometry.heapGranuleCount {
                let offset = Int(number) * Int(SHAREDMEM_GRANULE)
                let size = Int(store.data.load(offset + Int(sharedmem_free_block_granule_count)))
                blockCount += 1
                granuleCount += size
                if size < needed { tooSmallGranuleCount += size }
                largestGranuleCount = max(largestGranuleCount, size)
                number = store.data.load(offset + Int(sharedmem_free_block_next))
            }
        }
    }
}
