import CSharedMem
import TestSupport
import Testing

@testable import SharedMemStore

/// Pins of one session beside writes of another, one after the other.
@Suite struct PinTests {
    /// Two sessions that pin, beside session 1, which writes: the slots of the first one stand behind the other's.
    private let behind: UInt32 = 5
    private let ahead: UInt32 = 2

    private func segment() -> TestSegment {
        TestSegment(Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 100))
    }

    /// A pinned value that isn't any more what it was.
    private struct Disturbed: Error {
        let description: String
    }

    /// What a churn did.
    private struct Churn {
        var setCount = 0
        var refusalCount = 0
    }

    /// Pins a value again and again, and writes under each pin until the heap refuses; throws at the first pinned byte
    /// that changes.
    private func churn(rounds: Int, fault: SeededFault? = nil) throws -> Churn {
        var random = SplitMix(seed: 3)
        let segment = segment()
        let writer = try segment.writer(fault: fault)
        let pinner = try segment.writer(session: behind)
        let slot = try #require(pinner.claimPinSlot())
        for key in 0..<4 { try writer.put([UInt8(key)], Self.value(key, 600)) }
        var churn = Churn()
        for round in 0..<rounds {
            pinner.pin(slot)
            let pinned = try #require(try pinner.findPinned([UInt8(random.next() % 4)]))
            let before = pinner.bytes(of: pinned)
            var isFull = false
            // Without pins nothing is ever refused: the bound ends the round then.
            for step in 0..<200 where !isFull {
                do throws(StoreError) {
                    try writer.put([UInt8(random.next() % 4)], Self.value(round + step, Int(random.next() % 600)))
                    churn.setCount += 1
                } catch {
                    guard case .pinned(_, behind, _) = error else { throw error }
                    churn.refusalCount += 1
                    isFull = true
                }
                guard pinner.bytes(of: pinned) == before else {
                    throw Disturbed(description: "round \(round), set \(step): a pinned value has changed")
                }
            }
            pinner.unpin(slot)
            _ = try segment.writer().audit()
        }
        return churn
    }

    private static func value(_ byte: Int, _ count: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: byte), count: count)
    }

    @Test func pinnedValueStaysWhileWritesFillTheHeap() throws {
        let churn = try churn(rounds: 500)
        #expect(churn.refusalCount == 500)
        #expect(churn.setCount > 500)
    }

    @Test func ignoredPinIsFound() {
        #expect(throws: Disturbed.self) { _ = try churn(rounds: 500, fault: .pinsIgnored) }
    }

    @Test func unpinnedRecordIsUsedAgain() throws {
        let segment = segment()
        let (writer, pinner) = (try segment.writer(), try segment.writer(session: behind))
        let slot = try #require(pinner.claimPinSlot())
        try writer.put([0], Self.value(1, 600))
        pinner.pin(slot)
        let pinned = try #require(try pinner.findPinned([0]))
        #expect(throws: StoreError.self) { for round in 2..<100 { try writer.put([0], Self.value(round, 600)) } }
        #expect(pinner.bytes(of: pinned) == Self.value(1, 600))
        pinner.unpin(slot)
        for round in 2..<100 { try writer.put([0], Self.value(round, 600)) }
        // Nobody may look there any more but this test, which shows that the pin was what kept it.
        #expect(pinner.bytes(of: pinned) != Self.value(1, 600))
    }

    /// Each move overtakes readers without a pin; two are needed, so that a later pin doesn't keep the same records.
    @Test func epochMovesTwiceAtMostWhileAPinKeepsLimbo() throws {
        let segment = TestSegment(Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 1000))
        let (writer, pinner) = (try segment.writer(), try segment.writer(session: behind))
        try writer.put([0], [])
        let slot = try #require(pinner.claimPinSlot())
        pinner.pin(slot)
        func epoch() -> UInt64 { writer.data.load(Int(sharedmem_at_reuse_epoch)) }
        let before = epoch()
        #expect(throws: StoreError.self) { for _ in 0..<1200 { try writer.put([0], []) } }
        #expect(throws: StoreError.self) { try writer.put([0], []) }
        #expect(epoch() - before <= 2)
        pinner.unpin(slot)
        for _ in 0..<100 { try writer.put([0], []) }
    }

    @Test func pinnedValueStaysThroughTransactions() throws {
        let segment = segment()
        let (writer, pinner) = (try segment.writer(), try segment.writer(session: behind))
        let slot = try #require(pinner.claimPinSlot())
        for key in 0..<2 { try writer.put([UInt8(key)], Self.value(key, 400)) }
        pinner.pin(slot)
        let pinned = try (0..<2).map { try #require(try pinner.findPinned([UInt8($0)])) }
        try writer.transact([([0], Self.value(7, 400)), ([1], nil)])
        #expect(throws: StoreError.self) { try writer.transact([([2], []), ([3], Self.value(8, 6000))]) }
        #expect(throws: StoreError.self) { for round in 0..<100 { try writer.put([4], Self.value(round, 300)) } }
        for key in 0..<2 { #expect(pinner.bytes(of: pinned[key]) == Self.value(key, 400)) }
        #expect(try pinner.findPinned([1]) == nil)
        _ = try writer.audit()
    }

    @Test func copyOfAPinnedValueEndsWhereBufferOrValueEnds() throws {
        let segment = segment()
        let pinner = try segment.writer(session: behind)
        let slot = try #require(pinner.claimPinSlot())
        try pinner.put([0], [1, 2, 3])
        pinner.pin(slot)
        let pinned = try #require(try pinner.findPinned([0]))
        for (capacity, expected) in [(0, []), (2, [1, 2]), (3, [1, 2, 3]), (5, [1, 2, 3, 9, 9])] as [(Int, [UInt8])] {
            var buffer = [UInt8](repeating: 9, count: capacity)
            unsafe buffer.withUnsafeMutableBytes { unsafe pinner.copy(pinned, into: $0) }
            #expect(buffer == expected)
        }
        #expect(try pinner.findPinned([1]) == nil)
    }

    // MARK: Who is in the way

    /// Two pins, the younger one in the slot that is looked at first: only the older one keeps limbo's head.
    @Test func fullHeapNamesTheHolderOfThePinInTheWay() throws {
        let segment = segment()
        let writer = try segment.writer()
        let (older, younger) = (try segment.writer(session: behind), try segment.writer(session: ahead))
        let olderSlot = try #require(older.claimPinSlot())
        let youngerSlot = try #require(younger.claimPinSlot())
        #expect(youngerSlot.index < olderSlot.index)
        try writer.put([0], Self.value(1, 600))
        older.pin(olderSlot)
        try writer.put([0], Self.value(2, 600))
        writer.moveEpoch()
        younger.pin(youngerSlot)

        let kept = try writer.putUntilRefused([0], Self.value(3, 600))
        #expect(kept == .pinned(needed: 704, session: behind, byteCount: try writer.audit().limboGranuleCount * 64))
        older.unpin(olderSlot)
        #expect(try writer.putUntilRefused([0], Self.value(3, 600)).map(Self.holder) == ahead)
        younger.unpin(youngerSlot)
        #expect(try writer.putUntilRefused([0], Self.value(4, 600)) == nil)
    }

    private static func holder(_ error: StoreError) -> UInt32? {
        if case .pinned(_, let session, _) = error { session } else { nil }
    }

    @Test func pinsOfADeadSessionAreClearedAndOthersStay() throws {
        let segment = segment()
        let writer = try segment.writer()
        let (dead, living) = (try segment.writer(session: behind), try segment.writer(session: ahead))
        let deadSlots = try (0..<2).map { _ in try #require(dead.claimPinSlot()) }
        let livingSlot = try #require(living.claimPinSlot())
        try writer.put([0], Self.value(1, 600))
        for slot in deadSlots { dead.pin(slot) }
        try writer.put([0], Self.value(2, 600))
        writer.moveEpoch()
        living.pin(livingSlot)
        let pinned = try #require(try living.findPinned([0]))
        #expect(try writer.putUntilRefused([0], Self.value(3, 600)).map(Self.holder) == behind)

        writer.clearPins(of: behind)
        #expect(try writer.putUntilRefused([0], Self.value(3, 600)).map(Self.holder) == ahead)
        #expect(living.bytes(of: pinned) == Self.value(2, 600))
        #expect(dead.claimPinSlot() == deadSlots[0])
        #expect(living.claimPinSlot() != livingSlot)
    }

    // MARK: Slots

    @Test func sessionAfterTheLastSlotIsRefusedUntilOneIsGivenBack() throws {
        let segment = segment()
        var slots: [PinSlot] = []
        for session in 1...UInt32(4096) {
            slots.append(try #require(try segment.writer(session: session).claimPinSlot()))
        }
        #expect(Set(slots.map(\.index)).count == 4096)
        let late = try segment.writer(session: 5000)
        #expect(late.claimPinSlot() == nil)
        try segment.writer(session: 77).releasePinSlot(slots[76])
        #expect(late.claimPinSlot() == slots[76])
        try late.put([0], Self.value(1, 600))
        late.pin(slots[76])
        let pinned = try #require(try late.findPinned([0]))
        #expect(try late.putUntilRefused([0], Self.value(2, 600)).map(Self.holder) == 5000)
        #expect(late.bytes(of: pinned) == Self.value(1, 600))
    }
}

extension Store {
    /// Finds the value of `key` under a pin.
    func findPinned(_ key: [UInt8]) throws(StoreError) -> PinnedValue? {
        try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe findPinned(key, KeyHash(key, seed: geometry.hashSeed))
        }
    }

    /// A pinned value's bytes as they are now.
    func bytes(of value: PinnedValue) -> [UInt8] {
        unsafe withBytes(of: value) { bytes in unsafe [UInt8](bytes) }
    }

    /// Sets `key` so often that a heap of some dozen granules is used up if nothing comes back; the refusal, if there
    /// is one.
    func putUntilRefused(_ key: [UInt8], _ value: [UInt8]) throws -> StoreError? {
        for _ in 0..<100 {
            do throws(StoreError) {
                try put(key, value)
            } catch {
                return error
            }
        }
        return nil
    }
}
