import SharedMemStore
import TestSupport
import Testing

/// A generation's values in the next one.
@Suite struct StoreSwitchTests {
    /// Sets, deletes, transactions, additions and expiring values at random.
    private func fill(_ segment: TestSegment, seed: UInt64, operationCount: Int, keyCount: UInt64 = 60) throws {
        var random = SplitMix(seed: seed)
        for number in 0..<operationCount {
            let store = try segment.writer(session: UInt32(1 + random.next() % 5))
            let key = Array("key \(random.next() % keyCount)".utf8)
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: Int(random.next() % 900))
            do throws(StoreError) {
                switch random.next() % 8 {
                case 0: try store.remove(key)
                case 1: try store.transact([(key, value), (Array("other".utf8), number % 3 == 0 ? nil : value)])
                case 2: try store.increment(Array("number".utf8), by: 3)
                case 3:
                    var options = SetOptions()
                    options.expiresAt = random.next() % 100 + 1
                    options.type = UInt8(truncatingIfNeeded: random.next())
                    try store.put(key, value, options)
                default: try store.put(key, value, at: UInt64(number))
                }
            } catch {
                guard case .full = error else { throw error }
            }
        }
    }

    @Test(arguments: 0..<20) func newGenerationHoldsWhatTheOldOneHeld(seed: UInt64) throws {
        let segment = try TestSegment()
        try fill(segment, seed: seed, operationCount: Int(seed) * 30)
        let contents = try SwitchedSegment.contents(segment.reader())
        let sizes: [UInt64] = [64 << 10, 256 << 10]
        for byteCount in sizes {
            let geometry = try Geometry(planning: byteCount, entryCount: 0)
            let switched = try SwitchedSegment(TestSegment(segment.image), to: geometry)
            #expect(try switched.newContents() == contents)
            #expect(switched.report.copiedCount == contents.count)
            #expect(switched.report.leftOutCount == 0 && switched.report.expiredCount == 0)
            let (old, new) = (try switched.old.writer(), try switched.new.writer())
            #expect(new.commitNumber == old.commitNumber && switched.report.retiredAt == old.commitNumber)
            #expect(new.reuseEpoch >= old.reuseEpoch)
            #expect(new.recordCount == contents.count)
            let version = try new.put([1], [2])
            #expect(version == old.commitNumber + 1)
            try fill(switched.new, seed: seed + 1, operationCount: 100)
            _ = try new.audit()
        }
    }

    @Test func expiredValueIsLeftOut() throws {
        let segment = try TestSegment()
        var options = SetOptions()
        options.expiresAt = 5
        try segment.writer().put([1], [1], options)
        options.expiresAt = 6
        try segment.writer().put([2], [2], options)
        let switched = try SwitchedSegment(segment, bootTime: 5)
        #expect(switched.report.expiredCount == 1 && switched.report.copiedCount == 1)
        #expect(try switched.new.reader().value([1]) == nil)
        #expect(try switched.new.reader().value([2]) == [2])
    }

    /// An index that is full to the last key its seed allows has room for the same keys in the next generation.
    @Test(arguments: [1, 2, 7, 40]) func everyIndexFillIsCopied(homeBucketCount: Int) throws {
        let geometry = Geometry(homeBucketCount: homeBucketCount, ringByteCount: 576, heapGranuleCount: 700)
        let segment = TestSegment(geometry)
        let store = try segment.writer()
        var contents: [[UInt8]: [UInt8]] = [:]
        var seeds: Set<UInt64> = []
        for number in 0..<700 {
            let key = Array("\(number)".utf8)
            do throws(StoreError) {
                try store.put(key, [1])
            } catch {
                guard case .indexFull = error else { throw error }
                continue
            }
            contents[key] = [1]
            if number % 9 != 0, contents.count < 440 { continue }
            let switched = try SwitchedSegment(TestSegment(segment.image), hashSeed: UInt64(number))
            seeds.insert(switched.geometry.hashSeed == store.geometry.hashSeed ? 1 : 0)
            #expect(switched.report.copiedCount == contents.count && switched.report.leftOutCount == 0)
            #expect(try switched.newContents().mapValues(\.bytes) == contents)
        }
        // Other seeds found no room for some, so that the old one was used again.
        if homeBucketCount == 40 { #expect(seeds == [0, 1]) }
    }

    @Test func everyHeapFillIsCopied() throws {
        let segment = TestSegment(Geometry(homeBucketCount: 4, ringByteCount: 576, heapGranuleCount: 300))
        let store = try segment.writer()
        var random = SplitMix(seed: 3)
        var fullCount = 0
        for round in 0..<200 {
            let key = Array("\(random.next() % 90)".utf8)
            do throws(StoreError) {
                try store.put(
                    key, [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: Int(random.next() % 500)))
            } catch {
                guard case .full = error else { throw error }
                fullCount += 1
                if fullCount % 3 == 0 { try store.remove(key) }
            }
            let switched = try SwitchedSegment(TestSegment(segment.image))
            #expect(switched.report.leftOutCount == 0)
            #expect(try switched.newContents() == SwitchedSegment.contents(segment.reader()))
        }
        #expect(fullCount > 20)
    }

    /// The lock word is taken from a writer that is stopped after each of its stores, and goes on afterwards.
    ///
    /// What readers saw is what the new generation holds, and the writer learns whether its change is among it.
    @Test(arguments: CrashPointTests.scenarios)
    func ownerThatLosesTheWordAnywhereLearnsWhatBecameOfItsChange(scenario: CrashPointTests.Scenario) throws {
        let segment = TestSegment(
            Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: scenario.heapGranuleCount))
        try scenario.prepare(segment.writer())
        let before = segment.image
        let old = try SwitchedSegment.contents(segment.reader())
        let commitNumber = try segment.reader().commitNumber
        let recorder = StoreRecorder()
        try scenario.operation(segment.writer(recorder: recorder))
        let new = try SwitchedSegment.contents(segment.reader())
        var counts = [0, 0]
        for count in 0...recorder.steps.count {
            let stopped = TestSegment(before)
            stopped.apply(recorder.steps[..<count])
            let seen = try SwitchedSegment.contents(stopped.reader())
            let switched = try SwitchedSegment(stopped, mayChange: true)
            let contents = try switched.newContents()
            #expect(contents == seen && switched.report.leftOutCount == 0, "store \(count)")
            guard contents == old || contents == new else {
                Issue.record("store \(count): neither the old state nor the new one")
                continue
            }
            counts[contents == new ? 1 : 0] += 1
            // The version of the change: it's done, and was, or it is to be done again, under a version of its own.
            let isTakenAlong = stopped.store().wasTakenAlong(commitNumber + 1)
            if old != new { #expect(isTakenAlong == (contents == new), "store \(count)") }
            let next = try switched.new.reader().commitNumber
            #expect(next > commitNumber)
            stopped.apply(recorder.steps[count...])
            #expect(try switched.newContents() == contents)
        }
        if scenario.isVisible { #expect(counts[0] > 0 && counts[1] > 0) }
    }

    /// What a writer that died left half-done, repaired or not.
    @Test(arguments: CrashPointTests.scenarios)
    func halfDoneChangeIsCopiedAsReadersSeeIt(scenario: CrashPointTests.Scenario) throws {
        let segment = TestSegment(
            Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: scenario.heapGranuleCount))
        try scenario.prepare(segment.writer())
        let before = segment.image
        let recorder = StoreRecorder()
        try scenario.operation(segment.writer(recorder: recorder))
        for count in 0...recorder.steps.count {
            for isRepaired in [false, true] {
                let stopped = TestSegment(before)
                stopped.apply(recorder.steps[..<count])
                let seen = try SwitchedSegment.contents(stopped.reader())
                if isRepaired { _ = try stopped.writer().recover() }
                let switched = try SwitchedSegment(stopped)
                #expect(try switched.newContents() == seen, "store \(count)")
                let versions = seen.values.map(\.version).max() ?? 0
                #expect(try switched.new.reader().commitNumber >= versions)
            }
        }
    }
}
