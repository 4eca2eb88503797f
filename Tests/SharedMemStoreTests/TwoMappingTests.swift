import Foundation
import LinuxIPC
import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// One generation mapped twice at different addresses of one process.
@Suite struct TwoMappingTests {
    /// The memory files of a generation with two writable mappings of each and a read-only one of the data.
    final class MappedSegment {
        let geometry: Geometry
        private let data: [Mapped]
        private let lock: [Mapped]

        /// A mapping that an array can hold.
        private final class Mapped {
            let mapping: Mapping

            init(_ file: borrowing MemoryFile, byteCount: Int, access: Mapping.Access) throws(Errno) {
                mapping = try Mapping(of: file, byteCount: byteCount, access: access, isPrivateToProcess: true)
            }

            var bytes: SharedBytes { unsafe SharedBytes(mapping.baseAddress, byteCount: mapping.byteCount) }
            var contents: [UInt8] {
                unsafe [UInt8](UnsafeRawBufferPointer(start: mapping.baseAddress, count: mapping.byteCount))
            }
        }

        /// Makes the files with the bytes of `image`.
        init(_ image: TestSegment.Image) throws {
            geometry = image.geometry
            let dataFile = try MemoryFile.create(label: "two-mappings-data")
            try dataFile.reserve(byteCount: image.data.count)
            let lockFile = try MemoryFile.create(label: "two-mappings-lock")
            try lockFile.reserve(byteCount: image.lock.count)
            var data: [Mapped] = []
            var lock: [Mapped] = []
            for _ in 0..<2 {
                data.append(try Mapped(dataFile, byteCount: image.data.count, access: .readWrite))
                lock.append(try Mapped(lockFile, byteCount: image.lock.count, access: .readWrite))
            }
            data.append(try Mapped(dataFile.reopenedReadOnly(), byteCount: image.data.count, access: .readOnly))
            unsafe data[0].mapping.baseAddress.copyMemory(from: image.data, byteCount: image.data.count)
            unsafe lock[0].mapping.baseAddress.copyMemory(from: image.lock, byteCount: image.lock.count)
            self.data = data
            self.lock = lock
        }

        /// Where a file's first byte is in each of its mappings.
        var dataAddresses: Set<UInt> { Set(data.map { unsafe UInt(bitPattern: $0.mapping.baseAddress) }) }

        /// A store over the first or the second mapping; both are the same session.
        func writer(_ number: Int) throws -> Store {
            try Store(data: data[number].bytes, lock: lock[number].bytes, session: 1)
        }

        /// A store over the read-only mapping.
        func reader() throws -> Store { try Store(readOnly: data[2].bytes) }

        /// Both files as one of the mappings shows them.
        func image(_ number: Int) -> TestSegment.Image {
            TestSegment.Image(geometry: geometry, data: data[number].contents, lock: lock[number].contents)
        }

        /// Makes recorded stores, in turns through both mappings.
        func apply(_ steps: ArraySlice<StoreRecorder.Step>) {
            for (index, step) in steps.enumerated() {
                let bytes = (step.isLock ? lock : data)[index % 2].bytes
                if step.byteCount == 8 {
                    bytes.store(step.value, step.offset)
                } else {
                    bytes.store32(UInt32(step.value), step.offset)
                }
            }
        }
    }

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
