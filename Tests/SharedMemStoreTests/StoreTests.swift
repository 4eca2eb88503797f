import SharedMemStore
import TestSupport
import Testing

@Suite struct StoreTests {
    @Test func newSegmentIsEmptyAndSound() throws {
        let segment = try TestSegment()
        let store = try segment.writer()
        #expect(try store.value([1]) == nil)
        #expect(try store.value([]) == nil)
        #expect(try store.keys() == [])
        let audit = try store.audit()
        #expect(audit.freeBlockCount == 1)
        #expect(audit.freeGranuleCount == segment.geometry.heapGranuleCount)
    }

    @Test func valueIsReadBackByAnotherAttachment() throws {
        let segment = try TestSegment()
        let version = try segment.writer().put([1, 2, 3], [4, 5])
        #expect(version == 1)
        #expect(try segment.reader().value([1, 2, 3]) == [4, 5])
        #expect(try segment.reader().value([1, 2]) == nil)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000, 4096, 20000])
    func everyLengthOfKeyAndValueSurvives(length: Int) throws {
        let segment = try TestSegment(byteCount: 128 << 10)
        let store = try segment.writer()
        let value = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 1) }
        for keyLength in [0, 1, 7, 8, 9, 15, 16, 17, 511, 512] {
            let key = (0..<keyLength).map { UInt8(truncatingIfNeeded: $0 &+ 1) }
            try store.put(key, value)
            #expect(try store.value(key) == value)
            _ = try store.audit()
            #expect(try store.remove(key) != nil)
            #expect(try store.value(key) == nil)
            _ = try store.audit()
        }
    }

    @Test func versionsIncreaseWithEveryChange() throws {
        let segment = try TestSegment()
        let store = try segment.writer()
        #expect(try store.put([1], [1]) == 1)
        #expect(try store.put([1], [2]) == 2)
        #expect(try store.remove([1]) == 3)
        #expect(try store.remove([1]) == nil)
        #expect(try store.put([1], [3]) == 4)
        #expect(store.commitNumber == 4)
    }

    @Test func keyOf513BytesIsRefused() throws {
        let store = try TestSegment().writer()
        #expect(throws: StoreError.keyTooLong(513)) { try store.put([UInt8](repeating: 1, count: 513), []) }
    }

    @Test func tooSmallBufferSaysWhatIsNeeded() throws {
        let segment = try TestSegment()
        let store = try segment.writer()
        try store.put([1], [1, 2, 3])
        #expect(throws: StoreError.bufferTooSmall(needed: 3)) { try store.value([1], capacity: 2) }
    }

    @Test func fullSegmentKeepsTheOldValueAndSaysHowMuchIsFree() throws {
        let segment = try TestSegment()
        let store = try segment.writer()
        try store.put([1], [42])
        let tooMuch = [UInt8](repeating: 1, count: segment.geometry.heapGranuleCount * 64 - 64)
        #expect {
            try store.put([1], tooMuch)
        } throws: { error in
            guard case .full(let needed, let available)? = error as? StoreError else { return false }
            return needed > available && available > 0
        }
        #expect(try store.value([1]) == [42])
        #expect(throws: StoreError.self) { try store.put([1], [UInt8](repeating: 1, count: 1 << 20)) }
        _ = try store.audit()
    }

    @Test func emptiedHeapServesOneLargeValue() throws {
        let segment = try TestSegment(byteCount: 1 << 20)
        let store = try segment.writer()
        let kilobyte = [UInt8](repeating: 7, count: 1024)
        var count = 0
        do {
            while true {
                try store.put([UInt8(count & 255), UInt8(count >> 8)], kilobyte)
                count += 1
            }
        } catch StoreError.full {}
        #expect(count > 700)
        for number in 0..<count { #expect(try store.remove([UInt8(number & 255), UInt8(number >> 8)]) != nil) }
        let large = [UInt8](repeating: 9, count: segment.geometry.heapGranuleCount * 64 * 9 / 10)
        try store.put([1], large)
        #expect(try store.value([1]) == large)
        _ = try store.audit()
    }

    @Test func fullIndexIsSaidToBeFull() throws {
        let segment = try TestSegment(byteCount: 256 << 10, entryCount: 6)
        let store = try segment.writer()
        #expect(throws: StoreError.indexFull) {
            for number in 0..<2000 { try store.put([UInt8(number & 255), UInt8(number >> 8)], []) }
        }
        _ = try store.audit()
    }

    @Test func indexMadeForSoManyKeysHasRoomForThem() throws {
        let count = 100_000
        let segment = try TestSegment(byteCount: UInt64(count) * 160, entryCount: UInt64(count))
        let store = try segment.writer()
        for number in 0..<count { try store.put(Array("key \(number)".utf8), [UInt8(number & 255)]) }
        #expect(store.recordCount == count)
    }

    @Test func segmentWithoutAnEntryCountFillsItsHeapBeforeItsIndex() throws {
        let segment = try TestSegment(byteCount: 16 << 20)
        let store = try segment.writer()
        var number = 0
        do throws(StoreError) {
            while true {
                try store.put(Array("key \(number)".utf8), [UInt8](repeating: 1, count: 60))
                number += 1
            }
        } catch {
            guard case .full = error else { throw error }
        }
        #expect(store.recordCount == number)
    }

    /// Random histories against a dictionary, with the invariants held after each.
    @Test(arguments: [UInt64](1...8)) func randomHistoriesEqualADictionary(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let segment = try TestSegment(byteCount: 256 << 10)
        let store = try segment.writer()
        let reader = try segment.reader()
        var model: [[UInt8]: [UInt8]] = [:]
        for step in 0..<4000 {
            let key = [UInt8](repeating: UInt8(random.next() % 97), count: Int(random.next() % 20))
            switch random.next() % 8 {
            case 0, 1:
                #expect((try store.remove(key) != nil) == (model.removeValue(forKey: key) != nil))
            case 2: #expect(try reader.value(key) == model[key])
            default:
                let length = 1 << (random.next() % 14) + random.next() % 63
                let value = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: Int(length))
                do throws(StoreError) {
                    try store.put(key, value)
                    model[key] = value
                } catch {
                    guard case .full = error else { throw error }
                }
            }
            if step % 200 == 0 { #expect(try store.audit().recordCount == model.count) }
        }
        for (key, value) in model { #expect(try reader.value(key) == value) }
        #expect(Set(try reader.keys()) == Set(model.keys))
    }
}
