import Foundation
import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// A session that pins and another one that writes, at the same time, each through its own mapping.
@Suite struct PinRaceTests {
    /// What the two threads counted.
    private final class Counts: Sendable {
        let sets = Atomic(0)
        let refusals = Atomic(0)
        let pins = Atomic(0)
        let disturbed = Atomic(0)
        let isOver = Atomic(false)
    }

    private static let key: [UInt8] = [1]

    /// Writes `setCount` values or more, all of one byte each, while a second session pins the newest one again and again and
    /// looks at it until the heap is full or has been written over several times.
    private func race(setCount: Int, fault: SeededFault? = nil) throws -> Counts {
        let segment = try MappedSegment(TestSegment(byteCount: 128 << 10).image)
        let writer = try segment.writer(0, fault: fault)
        let pinner = try segment.writer(1, session: 2)
        try writer.put(Self.key, [0])
        let counts = Counts()
        let thread = SecondThread { try Self.pin(pinner, counts) }
        do {
            defer { counts.isOver.store(true, ordering: .releasing) }
            try Self.write(writer, setCount: setCount, counts)
        }
        try thread.join()
        _ = try segment.writer(0).audit()
        return counts
    }

    /// The writer was refused, or the other thread didn't pin, for two minutes; or that has no slot.
    private struct Late: Error {}

    private static func write(_ store: Store, setCount: Int, _ counts: Counts) throws {
        // A refused writer waits for the other thread alone, which unpins as soon as it sees the refusal.
        let deadline = ContinuousClock.now + .seconds(120)
        var round = 0
        while round < setCount || counts.pins.load(ordering: .relaxed) < 20 {
            guard ContinuousClock.now < deadline else { throw Late() }
            do throws(StoreError) {
                try store.put(key, [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: round % 900 + 1))
                round += 1
                counts.sets.store(round, ordering: .relaxed)
            } catch {
                guard case .pinned(_, 2, _) = error else { throw error }
                counts.refusals.add(1, ordering: .releasing)
                sched_yield()
            }
        }
    }

    private static func pin(_ store: Store, _ counts: Counts) throws {
        guard let slot = store.claimPinSlot() else { throw Late() }
        while !counts.isOver.load(ordering: .acquiring) {
            let start = counts.sets.load(ordering: .relaxed)
            let refusals = counts.refusals.load(ordering: .acquiring)
            store.pin(slot)
            defer { store.unpin(slot) }
            guard let pinned = try store.findPinned(key) else {
                counts.disturbed.add(1, ordering: .relaxed)
                continue
            }
            let before = store.bytes(of: pinned)
            while counts.sets.load(ordering: .relaxed) < start + 500,
                counts.refusals.load(ordering: .acquiring) == refusals, !counts.isOver.load(ordering: .acquiring)
            {}
            let isWhole = before.count == pinned.info.byteCount && Set(before).count == 1
            if !isWhole || store.bytes(of: pinned) != before { counts.disturbed.add(1, ordering: .relaxed) }
            counts.pins.add(1, ordering: .relaxed)
        }
        store.releasePinSlot(slot)
    }

    @Test func pinnedValueStaysBesideAWriter() throws {
        let counts = try race(setCount: 20_000)
        #expect(counts.disturbed.load(ordering: .relaxed) == 0)
        #expect(counts.pins.load(ordering: .relaxed) >= 20)
        #expect(counts.refusals.load(ordering: .relaxed) > 0)
    }

    @Test func ignoredPinIsFoundBesideAWriter() throws {
        let counts = try race(setCount: 20_000, fault: .pinsIgnored)
        #expect(counts.disturbed.load(ordering: .relaxed) > 0)
        #expect(counts.refusals.load(ordering: .relaxed) == 0)
    }
}
