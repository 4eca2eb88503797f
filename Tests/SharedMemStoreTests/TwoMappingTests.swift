import Foundation
import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// One generation mapped twice at different addresses of one process.
@Suite struct TwoMappingTests {
    @Test func operationsInTurnsThroughBothLeaveWhatOneMappingLeaves() throws {
        let single = try TestSegment(byteCount: 128 << 10)
        let double = try MappedSegment(single.image)
        #expect(double.dataAddresses.count == 3)
        let (one, reader) = (try single.writer(), try double.reader())
        let both = [try double.writer(0), try double.writer(1)]
        var random = SplitMix(seed: 11)
        for round in 0..<5000 {
            let store = both[round % 2]
            let key = Array("key \(random.next() % 60)".utf8)
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: Int(random.next() % 3000))
            if random.next() % 4 == 0 {
                #expect(try store.remove(key) == one.remove(key))
            } else {
                #expect(outcome { try store.put(key, value) } == outcome { try one.put(key, value) })
            }
            #expect(try both[1 - round % 2].value(key) == one.value(key))
            #expect(try reader.value(key) == one.value(key))
        }
        #expect(try both[0].audit() == both[1].audit())
        let image = double.image(0)
        #expect(image.data == single.image.data && image.lock == single.image.lock)
        // One set more is seen: the comparison looks at the bytes.
        try both[1].put([1], [2])
        #expect(double.image(0).data != single.image.data)
    }

    /// What a set answered: the version, or the error.
    private func outcome(_ body: () throws -> UInt64) -> String {
        do {
            return "\(try body())"
        } catch {
            return "\(error)"
        }
    }

    @Test func recoveryThroughTheOtherMappingGivesTheSameState() throws {
        let prepared = TestSegment(Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 60))
        for key in 1...6 { try prepared.writer().put([UInt8(key)], [UInt8](repeating: 7, count: 100 * key)) }
        for key in [2, 4] { try prepared.writer().remove([UInt8(key)]) }
        let before = prepared.image
        let recorder = StoreRecorder()
        try prepared.writer(recorder: recorder).put([7], [UInt8](repeating: 8, count: 700))
        #expect(recorder.steps.count > 10)
        for count in 0...recorder.steps.count {
            let steps = recorder.steps[..<count]
            let single = TestSegment(before)
            single.apply(steps)
            let double = try MappedSegment(before)
            double.apply(steps)
            let expected = try single.writer().recover()
            #expect(try double.writer(1).recover() == expected)
            let image = double.image(0)
            #expect(image.data == single.image.data && image.lock == single.image.lock)
        }
    }

    @Test func readerBesideAWriterSeesWholeValuesThroughItsOwnMapping() throws {
        let double = try MappedSegment(TestSegment(byteCount: 128 << 10).image)
        let (writer, reader) = (try double.writer(0), try double.reader())
        try writer.put([1], [0])
        let isOver = Atomic(false)
        let rounds = 20_000
        let torn = Atomic(0)
        let seen = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            do {
                if thread == 0 {
                    defer { isOver.store(true, ordering: .releasing) }
                    for round in 1...rounds {
                        try writer.put(
                            [1], [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: round % 900 + 1))
                    }
                } else {
                    repeat {
                        guard let value = try reader.value([1], capacity: 1024), Set(value).count == 1 else {
                            torn.add(1, ordering: .relaxed)
                            continue
                        }
                        seen.add(1, ordering: .relaxed)
                    } while !isOver.load(ordering: .acquiring)
                }
            } catch {
                Issue.record("thread \(thread): \(error)")
            }
        }
        #expect(torn.load(ordering: .relaxed) == 0)
        #expect(seen.load(ordering: .relaxed) > 0)
        #expect(try reader.value([1]) == [UInt8](repeating: UInt8(truncatingIfNeeded: rounds), count: rounds % 900 + 1))
        withExtendedLifetime(double) {}
    }
}
