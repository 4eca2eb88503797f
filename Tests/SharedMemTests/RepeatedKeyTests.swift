import CSharedMem
import SharedMem
import SharedMemStore
import Testing

/// Reads of many keys, one of them twice, beside a writer that is stopped before its change is committed.
@Suite struct RepeatedKeyTests {
    @Test func changeThatIsNotYetCommittedIsTheSameChangeTwice() throws {
        let served = try ServedSegment()
        let segment = try served.open()
        let version = try segment.set("key", to: "value")
        try segment.withStore { store in store.data.store(version - 1, Int(sharedmem_at_commit_number)) }
        #expect(try segment.values(of: ["key", "other", "key"], as: String.self) == ["value", nil, "value"])
    }

    @Test func deletionThatNeverHappenedLeavesAnAbsentKeyAbsent() throws {
        let served = try ServedSegment()
        let segment = try served.open()
        let version = try segment.set("key", to: "value")
        try segment.withStore { store in
            let hash = unsafe "absent".utf8.withContiguousStorageIfAvailable {
                unsafe KeyHash(UnsafeRawBufferPointer($0), seed: store.geometry.hashSeed)
            }
            let stripe = Int(sharedmem_at_stripes) + (hash?.stripe ?? 0) * Int(sharedmem_stripe_size)
            store.data.store(version + 1, stripe + Int(sharedmem_stripe_last_deletion))
        }
        #expect(try segment.values(of: ["absent", "key", "absent"], as: String.self) == [nil, "value", nil])
        let many = (0..<40).map { $0 == 20 ? "key" : "absent" }
        #expect(try segment.values(of: many, as: String.self).compactMap { $0 } == ["value"])
    }
}
