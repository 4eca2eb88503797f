import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// A writer in its own mapping that loses the lock word in the middle of things, and a reader beside it.
@Suite struct SwitchRaceTests {
    /// What a writer did, as it was told.
    private struct Outcome: Sendable {
        /// What it knows each key to be: version and value; nil: deleted.
        var acknowledged: [[UInt8]: Change] = [:]
        /// What it did under the lock that it lost.
        var lost: [[UInt8]: Change] = [:]
        /// The version of that; nil: it changed nothing, or lost no lock.
        var lostVersion: UInt64?
        /// How often it had the word.
        var count = 0
    }

    /// What became of a key.
    private struct Change: Equatable, Sendable {
        var version: UInt64
        var bytes: [UInt8]?
    }

    /// Writes until the generation is retired or the word is lost.
    private func write(_ store: Store, seed: UInt64, progress: borrowing Atomic<Int>) throws -> Outcome {
        var random = SplitMix(seed: seed)
        var outcome = Outcome()
        while true {
            let found = store.tryLock(at: 1)
            if Store.isRetired(found) { return outcome }
            if found != 0 { continue }
            var changes: [[UInt8]: Change] = [:]
            let before = store.commitNumber
            do throws(StoreError) {
                try store.checkState()
                try change(store, &random, &changes)
            } catch {
                // What is found under a lost lock isn't believed.
                if error == .retired || store.unlock() == .lost { return outcome }
                throw error
            }
            let version = store.commitNumber
            if store.unlock() == .lost {
                if version != before {
                    outcome.lost = changes
                    outcome.lostVersion = version
                }
                return outcome
            }
            outcome.acknowledged.merge(changes) { $1 }
            outcome.count += 1
            progress.store(outcome.count, ordering: .releasing)
        }
    }

    /// One change under the lock.
    private func change(
        _ store: Store, _ random: inout SplitMix, _ changes: inout [[UInt8]: Change]
    ) throws(StoreError) {
        let key = [UInt8(random.next() % 6)]
        let other = [UInt8(100 + random.next() % 6)]
        let value = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: Int(random.next() % 1500))
        switch random.next() % 4 {
        case 0:
            let version = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                unsafe try store.delete(key)
            }
            if let version { changes[key] = Change(version: version, bytes: nil) }
        case 1:
            let writes = [TransactionWrite(key: key, value: value), TransactionWrite(key: other, value: value)]
            let version = try store.commit(reads: [], writes: writes, at: 1, bootTime: { 0 })
            changes[key] = Change(version: version, bytes: value)
            changes[other] = Change(version: version, bytes: value)
        default:
            let version = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                    try unsafe store.set(key, to: value, at: 1)
                }
            }
            changes[key] = Change(version: version, bytes: value)
        }
    }

    /// Reads until the generation is retired; returns the newest version that it believed.
    private func read(_ store: Store) throws -> UInt64 {
        var newest: UInt64 = 0
        while true {
            for key in 0..<6 {
                do throws(StoreError) {
                    if let info = try store.info([UInt8(key)]) { newest = max(newest, info.version) }
                } catch {
                    guard error == .retired else { throw error }
                    return newest
                }
            }
        }
    }

    /// What was seen of all rounds.
    private struct Findings {
        var lostCount = 0
        var takenAlongCount = 0
        var problem: String?
    }

    /// What the threads tell each other.
    private final class Shared: Sendable {
        let outcome = Mutex(Outcome())
        let newestSeen = Atomic<UInt64>(0)
        let progress = Atomic(0)
        let isOver = Atomic(false)
    }

    /// Lets a writer run, takes the word away from it or waits for it, and compares.
    private func race(seed: UInt64, fault: SeededFault? = nil, _ findings: inout Findings) throws {
        let mapped = try MappedSegment(TestSegment(byteCount: 128 << 10).image)
        let new = TestSegment(mapped.geometry, generation: 2, hashSeed: seed)
        let (writer, old, reader) = (
            try mapped.writer(0, fault: fault), try mapped.writer(1, session: 2), try mapped.reader()
        )
        let shared = Shared()
        var random = SplitMix(seed: seed &+ 77)
        let start = Int(random.next() % 200)
        let isTaking = random.next() % 8 != 0
        let writing = SecondThread {
            defer { shared.isOver.store(true, ordering: .releasing) }
            let result = try write(writer, seed: seed, progress: shared.progress)
            shared.outcome.withLock { $0 = result }
        }
        let reading = SecondThread { shared.newestSeen.store(try read(reader), ordering: .releasing) }
        let copied: GenerationCopy.Report
        do {
            // However this ends, the others do.
            defer { old.retire() }
            while shared.progress.load(ordering: .acquiring) < start, !shared.isOver.load(ordering: .acquiring) {}
            while isTaking ? !old.retireLock(takingItFrom: 1) : old.tryLockForDaemon() != 0 {
                if shared.isOver.load(ordering: .acquiring) { break }
            }
            if isTaking { old.retireState() }
            var copy = GenerationCopy(from: old, into: new.store(hashSeed: seed), mayChange: isTaking, bootTime: 0)
            copied = try copy.run()
        }
        try writing.join()
        try reading.join()
        let result = shared.outcome.withLock { $0 }
        var expected = result.acknowledged
        if let version = result.lostVersion {
            findings.lostCount += 1
            if old.wasTakenAlong(version) {
                findings.takenAlongCount += 1
                expected.merge(result.lost) { $1 }
            }
        }
        let present = expected.filter { $0.value.bytes != nil }
        let found = try SwitchedSegment.contents(new.reader()).mapValues {
            Change(version: $0.version, bytes: $0.bytes)
        }
        if found != present { findings.problem = "seed \(seed): what was acknowledged isn't what there is" }
        if copied.leftOutCount != 0 { findings.problem = "seed \(seed): something was left out" }
        if shared.newestSeen.load(ordering: .acquiring) > copied.retiredAt {
            findings.problem = "seed \(seed): a reader saw what the new generation doesn't hold"
        }
        let commitNumber = try new.reader().commitNumber
        if let version = result.lostVersion, commitNumber < version {
            findings.problem = "seed \(seed): a version will be issued twice"
        }
        withExtendedLifetime(mapped) {}
    }

    @Test func everyAcknowledgedChangeIsInTheNewGeneration() throws {
        var findings = Findings()
        for seed in 0..<(CrashPointTests.isLong ? 10_000 : 150) as Range<UInt64> {
            try race(seed: seed, &findings)
            if let problem = findings.problem {
                Issue.record(Comment(rawValue: problem))
                return
            }
        }
        #expect(findings.lostCount > 0)
    }

    @Test func unlockingByExchangeIsFound() throws {
        var findings = Findings()
        for seed in 0..<2000 as Range<UInt64> {
            try race(seed: seed, fault: .unlockedByExchange, &findings)
            if findings.problem != nil { return }
        }
        Issue.record("an acknowledged change that is gone was not found")
    }
}
