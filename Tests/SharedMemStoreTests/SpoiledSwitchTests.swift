import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// A generation that a hostile writer has spoiled, or goes on spoiling, moved to the next one.
@Suite struct SpoiledSwitchTests {
    /// A generation with some values, some of them replaced.
    private static func segment(seed: UInt64) throws -> TestSegment {
        let segment = TestSegment(Geometry(homeBucketCount: 3, ringByteCount: 576, heapGranuleCount: 200))
        let store = try segment.writer()
        var random = SplitMix(seed: seed)
        for round in 0..<120 {
            do throws(StoreError) {
                try store.put(
                    Array("\(random.next() % 30)".utf8),
                    [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: Int(random.next() % 400)))
            } catch {
                guard case .full = error else { throw error }
            }
        }
        return segment
    }

    /// A store that a hostile writer makes: where, and what.
    private struct Spoiling {
        var isLock: Bool
        var offset: Int
        var value: UInt64

        /// Anything that a copy might believe, as a rule at a place that it looks at.
        init(_ segment: TestSegment, _ random: inout SplitMix) {
            let geometry = segment.geometry
            let slots = (geometry.indexOffset..<geometry.indexOffset + geometry.bucketCount * 64)
            let heap = (geometry.heapOffset..<geometry.endBlock * 64)
            let slot = slots.lowerBound + Int(random.next() % UInt64(slots.count / 8)) * 8
            let record = heap.lowerBound + Int(random.next() % UInt64(heap.count / 64)) * 64
            let any = segment.dataBytes.load(slots.lowerBound + Int(random.next() % UInt64(slots.count / 8)) * 8)
            isLock = false
            switch random.next() % 8 {
            case 0: (offset, value) = (slot, random.next())
            case 1: (offset, value) = (slot, any)
            case 2: (offset, value) = (slot, UInt64(record / 64) << 32 | random.next() % 200)
            // The lengths of a record: to the heap's end, past it, far past it.
            case 3:
                (offset, value) = (
                    record + 24, UInt64(geometry.endBlock * 64 - record - 48) << 16 &+ random.next() % 65
                )
            case 4: (offset, value) = (record + 24, random.next() >> (random.next() % 64))
            // Version, session and link, type and flags.
            case 5: (offset, value) = (record + 8 * [0, 4, 5][Int(random.next() % 3)], random.next() % 300)
            case 6: (offset, value) = (heap.lowerBound + Int(random.next() % UInt64(heap.count / 8)) * 8, random.next())
            default:
                isLock = random.next() % 2 == 0
                let bytes = isLock ? segment.lockBytes.byteCount : geometry.dataByteCount
                offset = Int(random.next() % UInt64(isLock ? 8192 / 8 : bytes / 8)) * 8
                let words: [UInt64] = [0, 1, .max, 1 << 63, random.next(), random.next() % 1000]
                value = words[Int(random.next() % 6)]
            }
        }

        func apply(_ data: SharedBytes, _ lock: SharedBytes) { (isLock ? lock : data).store(value, offset) }
    }

    /// Moves a spoiled generation; the copy itself audits what comes out.
    private func move(seed: UInt64, fault: SeededFault? = nil) throws -> GenerationCopy.Report {
        let segment = try Self.segment(seed: seed % 7)
        var random = SplitMix(seed: seed)
        for _ in 0...random.next() % 12 { Spoiling(segment, &random).apply(segment.dataBytes, segment.lockBytes) }
        let switched = try SwitchedSegment(segment, mayChange: seed % 2 == 0, fault: fault)
        let contents = try switched.newContents()
        guard contents.count == switched.report.copiedCount else { throw Miscounted() }
        try switched.new.writer().put([0xff], [1])
        return switched.report
    }

    /// The new generation doesn't hold as many values as were counted.
    private struct Miscounted: Error {}

    @Test func newGenerationIsValidWhateverTheOldOneHolds() throws {
        var copied = 0
        var leftOut = 0
        for seed in 0..<(CrashPointTests.isLong ? 20_000 : 600) as Range<UInt64> {
            do {
                let report = try move(seed: seed)
                copied += report.copiedCount
                leftOut += report.leftOutCount
            } catch {
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
        // What isn't spoiled is saved.
        #expect(leftOut > 100)
        #expect(copied > leftOut * 5)
    }

    @Test func copyWithoutChecksIsFound() throws {
        var found = 0
        for seed in 0..<3000 as Range<UInt64> where found == 0 {
            do {
                _ = try move(seed: seed, fault: .copiedUnchecked)
            } catch {
                found += 1
            }
        }
        #expect(found > 0)
    }

    /// A hostile process that stores all the time, each word now so and now so.
    @Test func copyBesideAHostileWriterEndsAndIsValid() throws {
        for seed in 0..<(CrashPointTests.isLong ? 1000 : 30) as Range<UInt64> {
            let segment = try Self.segment(seed: seed % 7)
            var random = SplitMix(seed: seed)
            let pairs = (0..<30).map { _ in
                let new = Spoiling(segment, &random)
                var old = new
                old.value = (new.isLock ? segment.lockBytes : segment.dataBytes).load(new.offset)
                return [old, new]
            }
            let isOver = Flag()
            let (data, lock) = (segment.dataBytes, segment.lockBytes)
            let hostile = SecondThread {
                while !isOver.isRaised.load(ordering: .acquiring) {
                    for pair in pairs { pair[0].apply(data, lock) }
                    for pair in pairs { pair[1].apply(data, lock) }
                }
            }
            defer { isOver.isRaised.store(true, ordering: .releasing) }
            for round in 0..<10 as Range<UInt64> {
                let switched = try SwitchedSegment(segment, mayChange: true, hashSeed: seed &+ round)
                _ = try switched.newContents()
            }
            isOver.isRaised.store(true, ordering: .releasing)
            try hostile.join()
        }
    }

    /// What ends a thread.
    private final class Flag: Sendable {
        let isRaised = Atomic(false)
    }

    /// Numbers that no writer of ours reaches don't make the next generation's wrap.
    @Test func spoiledNumbersAreNotTakenOver() throws {
        let segment = try Self.segment(seed: 1)
        let newest = try SwitchedSegment.contents(segment.reader()).values.map(\.version).max() ?? 0
        let numbers: [UInt64] = [.max, .max - 1, 1 << 63, 0]
        for number in numbers {
            let spoiled = TestSegment(segment.image)
            for offset in [256 + 8, 320] { spoiled.dataBytes.store(number, offset) }
            let switched = try SwitchedSegment(spoiled, mayChange: true)
            let store = try switched.new.writer()
            #expect(store.commitNumber > newest && store.commitNumber < newest + 1 << 33)
            #expect(store.reuseEpoch >= 2 && store.reuseEpoch < 1 << 62)
            #expect(try store.put([1], [2]) == store.commitNumber)
            #expect(switched.report.leftOutCount == 0)
        }
    }
}
