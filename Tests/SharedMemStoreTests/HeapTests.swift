import TestSupport
import Testing

@testable import SharedMemStore

/// The heap beside a bitmap of its granules, which knows all that can be known about a block.
@Suite struct HeapTests {
    /// Which granules are taken, and by which blocks.
    struct Bitmap {
        private var isTaken: [Bool]
        private(set) var blocks: [(start: Int, count: Int)] = []

        init(granuleCount: Int) { isTaken = [Bool](repeating: false, count: granuleCount) }

        var freeCount: Int { isTaken.count { !$0 } }

        /// The lengths of the runs of free granules.
        var freeRuns: [Int] {
            isTaken.split(separator: true, omittingEmptySubsequences: true).map(\.count)
        }

        /// Takes granules; false: they were not all free.
        mutating func take(_ start: Int, _ count: Int) -> Bool {
            guard start >= 0, count > 0, start + count <= isTaken.count,
                !isTaken[start..<start + count].contains(true)
            else { return false }
            for granule in start..<start + count { isTaken[granule] = true }
            blocks.append((start, count))
            return true
        }

        /// Frees one of the blocks.
        mutating func free(_ place: Int) -> (start: Int, count: Int) {
            blocks.swapAt(place, blocks.count - 1)
            let block = blocks.removeLast()
            for granule in block.start..<block.start + block.count { isTaken[granule] = false }
            return block
        }
    }

    /// What heap and bitmap disagree about.
    struct Disagreement: Error {
        let description: String
    }

    /// Takes and gives back at random, sizes log-uniform up to `largest` granules; throws at the first disagreement.
    private func run(
        seed: UInt64, heapGranuleCount: Int, largest: Int, steps: Int, fault: SeededFault? = nil
    ) throws {
        var random = SplitMix(seed: seed)
        let segment = TestSegment(Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: heapGranuleCount))
        let store = try segment.writer(fault: fault)
        var bitmap = Bitmap(granuleCount: heapGranuleCount)
        for step in 0..<steps {
            // Waves: mostly taking, then mostly giving back, so that the heap is full and empty in turn.
            let isTaking = random.next() % 8 < (step / 200 % 2 == 0 ? 6 : 2)
            if isTaking || bitmap.blocks.isEmpty {
                let count = min(largest, 1 + Int(random.next() % UInt64(largest)) >> Int(random.next() % 10))
                try take(count, store, &bitmap)
            } else {
                let block = bitmap.free(Int(random.next() % UInt64(bitmap.blocks.count)))
                try giveBack(block.start, block.count, store)
            }
            try compare(store, bitmap)
        }
        while !bitmap.blocks.isEmpty {
            let block = bitmap.free(bitmap.blocks.count / 2)
            try giveBack(block.start, block.count, store)
            try compare(store, bitmap)
        }
        let audit = try store.audit()
        guard audit.freeBlockCount == 1, audit.freeGranuleCount == heapGranuleCount else {
            throw Disagreement(description: "the emptied heap is \(audit.freeBlockCount) blocks")
        }
    }

    private func take(_ count: Int, _ store: Store, _ bitmap: inout Bitmap) throws {
        var group = UndoGroup()
        let block = try store.takeBlock(granuleCount: count, &group)
        store.close(&group)
        if let block {
            guard bitmap.take(Int(block.number) - store.geometry.firstBlock, count) else {
                throw Disagreement(description: "block \(block.number) of \(count) granules was not free")
            }
        } else if bitmap.freeRuns.contains(where: { $0 >= count }) {
            throw Disagreement(description: "\(count) granules are free in one piece but were refused")
        }
    }

    private func giveBack(_ start: Int, _ count: Int, _ store: Store) throws {
        var group = UndoGroup()
        let block = Block(number: UInt32(store.geometry.firstBlock + start))
        try store.giveBack(block, granuleCount: count, &group)
        store.close(&group)
    }

    private func compare(_ store: Store, _ bitmap: Bitmap) throws {
        guard store.freeGranuleCount == bitmap.freeCount else {
            throw Disagreement(description: "\(store.freeGranuleCount) granules free, \(bitmap.freeCount) expected")
        }
        let largest = try store.largestFreeGranuleCount()
        guard largest == bitmap.freeRuns.max() ?? 0 else {
            throw Disagreement(description: "largest block \(largest), \(bitmap.freeRuns.max() ?? 0) expected")
        }
    }

    @Test(arguments: [UInt64](1...6)) func randomTakesAndGivesEqualABitmap(seed: UInt64) throws {
        try run(seed: seed, heapGranuleCount: 700, largest: 200, steps: 3000)
    }

    @Test(arguments: [1, 2, 3, 15, 16, 17, 63, 64, 65, 511, 512, 513]) func smallHeapsEqualABitmap(
        heapGranuleCount: Int
    ) throws {
        try run(seed: 9, heapGranuleCount: heapGranuleCount, largest: heapGranuleCount, steps: 800)
    }

    @Test func joinLeftOutIsFound() {
        #expect(throws: (any Error).self) {
            try run(seed: 1, heapGranuleCount: 700, largest: 200, steps: 3000, fault: .joinLeftOut)
        }
    }

    /// The four cases of giving back: between two used blocks, before, behind and between free ones.
    @Test func blockJoinsWithFreeNeighboursOnBothSides() throws {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for size in [1, 2, 17] {
                let segment = TestSegment(
                    Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 3 * size))
                let store = try segment.writer()
                var bitmap = Bitmap(granuleCount: 3 * size)
                for _ in 0..<3 { try take(size, store, &bitmap) }
                #expect(store.freeGranuleCount == 0)
                for place in order { try giveBack(place * size, size, store) }
                let audit = try store.audit()
                #expect(audit.freeBlockCount == 1)
                #expect(try store.largestFreeGranuleCount() == 3 * size)
            }
        }
    }

    @Test func blockOutsideTheHeapIsRefused() throws {
        let segment = TestSegment(Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 40))
        let store = try segment.writer()
        #expect(throws: StoreError.corrupted(.heap)) { try giveBack(-1, 1, store) }
        #expect(throws: StoreError.corrupted(.heap)) { try giveBack(40, 1, store) }
        #expect(throws: StoreError.corrupted(.heap)) { try giveBack(39, 2, store) }
    }
}
