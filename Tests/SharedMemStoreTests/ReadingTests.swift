import CSharedMem
import Testing

@testable import SharedMemStore

/// How many sets of a key a read of it outlives that has looked the record up and hasn't copied it yet.
@Suite struct ReadingTests {
    /// The fewest sets that a read outlives, and the mean, over reads that begin at every state limbo comes through.
    private func setsOutlived(
        byteCount: Int, fault: SeededFault? = nil
    ) throws -> (fewest: Int, mean: Double) {
        let segment = try TestSegment(byteCount: 8 << 20)
        let store = try segment.writer(fault: fault)
        let value = [UInt8](repeating: 7, count: byteCount)
        let key: [UInt8] = [1]
        for _ in 0..<100 { try store.put(key, value) }
        var counts: [Int] = []
        for _ in 0..<100 {
            let (reading, version) = try begin(key, store)
            var count = 0
            while store.isValid(reading, version: version), count < 1000 {
                try store.put(key, value)
                count += 1
            }
            counts.append(count - 1)
        }
        return (counts.min() ?? 0, Double(counts.reduce(0, +)) / Double(counts.count))
    }

    /// Does what a read does first.
    private func begin(_ key: [UInt8], _ store: Store) throws -> (Reading, version: UInt64) {
        let position = try unsafe key.withUnsafeBytes { key in
            try unsafe store.position(of: key, KeyHash(key, seed: store.geometry.hashSeed))
        }
        let found = try #require(position)
        let reading = Reading(slotOffset: found.slotOffset, entry: found.reference, epoch: store.reuseEpoch)
        return (reading, store.commitNumber)
    }

    @Test(arguments: [0, 64, 1000, 4096, 65_536, 1 << 20]) func readOutlivesASet(byteCount: Int) throws {
        #expect(try setsOutlived(byteCount: byteCount).fewest >= 1)
    }

    @Test func readOfASmallValueOutlivesManySets() throws {
        #expect(try setsOutlived(byteCount: 64).mean >= 10)
    }

    @Test(arguments: [64, 65_536]) func withoutLimboAReadOutlivesNoSet(byteCount: Int) throws {
        #expect(try setsOutlived(byteCount: byteCount, fault: .limboLeftOut).mean == 0)
    }
}

extension Store {
    /// The reuse epoch now.
    fileprivate var reuseEpoch: UInt64 { data.load(Int(sharedmem_at_reuse_epoch)) }
}
