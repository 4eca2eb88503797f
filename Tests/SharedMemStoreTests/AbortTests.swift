import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// Readers beside a transaction that is undone: its values never were.
@Suite struct AbortTests {
    private static let keys = (0..<12).map { UInt8($0) }

    /// What an undone transaction wrote and a reader saw.
    private struct Believed: Error {
        let description: String
    }

    /// A segment of old values, half of the keys.
    private func prepared(heapGranuleCount: Int) throws -> TestSegment {
        let segment = TestSegment(
            Geometry(homeBucketCount: 2, ringByteCount: 576, heapGranuleCount: heapGranuleCount))
        for key in Self.keys where key % 2 == 0 { try segment.writer().put([key], [key, 1]) }
        return segment
    }

    /// Replaces, adds and deletes, and then asks for more than there is: undone by the store.
    private static func abort(_ store: Store) throws {
        var writes: [([UInt8], [UInt8]?)] = keys.map { ([$0], $0 % 4 == 0 ? nil : [$0, 2]) }
        writes.append(([99], [UInt8](repeating: 3, count: store.geometry.heapGranuleCount * 64 - 256)))
        do throws(StoreError) {
            try store.transact(writes)
        } catch {
            guard case .full = error else { throw error }
            return
        }
        throw Believed(description: "the transaction fitted")
    }

    /// Holds what a reader sees of all keys against the old state.
    private static func check(_ reader: Store, at place: String) throws {
        for key in keys {
            let value = try reader.value([key], capacity: 16)
            guard value == (key % 2 == 0 ? [key, 1] : nil) else {
                throw Believed(description: "\(place): key \(key) reads \(value.map(\.description) ?? "as deleted")")
            }
        }
        guard try reader.keys().count == keys.count / 2 else {
            throw Believed(description: "\(place): \(try reader.keys().count) keys are listed")
        }
    }

    /// Stops the undone transaction after each of its stores and reads; returns how many there were.
    private func stopAtEachStore(fault: SeededFault? = nil) throws -> Int {
        let segment = try prepared(heapGranuleCount: 60)
        let before = segment.image
        let recorder = StoreRecorder()
        try Self.abort(segment.writer(recorder: recorder, fault: fault))
        let stopped = TestSegment(before)
        let reader = try stopped.reader()
        for (number, _) in recorder.steps.enumerated() {
            stopped.apply(recorder.steps[number...number])
            try Self.check(reader, at: "store \(number + 1) of \(recorder.steps.count)")
        }
        #expect(reader.commitNumber == UInt64(Self.keys.count / 2 + 1), "the transaction's version is burnt")
        return recorder.steps.count
    }

    @Test func readerSeesTheOldStateAtEachStoreOfAnAbort() throws {
        #expect(try stopAtEachStore() > 100)
    }

    @Test func versionBurntTooEarlyIsFoundAtAStore() {
        #expect(throws: Believed.self) { try stopAtEachStore(fault: .burntTooEarly) }
    }

    /// What a reader's thread counted.
    private final class Seen: Sendable {
        let reads = Atomic(0)
        let believed = Atomic(0)
        let isOver = Atomic(false)
    }

    /// Aborts again and again beside a reader; returns how often the reader saw something else than the old state.
    private func race(rounds: Int, fault: SeededFault? = nil) throws -> Seen {
        let segment = try prepared(heapGranuleCount: 400)
        let writer = try segment.writer(fault: fault)
        let reader = try segment.reader()
        let seen = Seen()
        let thread = SecondThread {
            while !seen.isOver.load(ordering: .acquiring) {
                do {
                    try Self.check(reader, at: "beside a writer")
                } catch is Believed {
                    seen.believed.add(1, ordering: .relaxed)
                }
                seen.reads.add(1, ordering: .relaxed)
            }
        }
        do {
            defer { seen.isOver.store(true, ordering: .releasing) }
            var round = 0
            // The reader's thread may begin late.
            while round < rounds || seen.reads.load(ordering: .relaxed) < 20 {
                if seen.believed.load(ordering: .relaxed) > 0 { break }
                try Self.abort(writer)
                round += 1
            }
        }
        try thread.join()
        _ = try segment.writer().audit()
        return seen
    }

    @Test func readerBesideAbortsSeesTheOldState() throws {
        let seen = try race(rounds: 5000)
        #expect(seen.reads.load(ordering: .relaxed) >= 20)
        #expect(seen.believed.load(ordering: .relaxed) == 0)
    }

    @Test func versionBurntTooEarlyIsFoundBesideAborts() throws {
        #expect(try race(rounds: 200_000, fault: .burntTooEarly).believed.load(ordering: .relaxed) > 0)
    }
}
