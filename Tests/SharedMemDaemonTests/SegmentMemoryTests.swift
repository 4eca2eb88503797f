import Glibc
import LinuxIPC
import SharedMemProtocol
import SharedMemStore
import Testing

@testable import SharedMemDaemon

/// A generation's files as the daemon has them, without a daemon.
@Suite(.serialized) struct SegmentMemoryTests {
    static func make(_ segmentID: UInt64 = 7, generation: UInt64 = 1) throws -> SegmentMemory {
        let definition = SegmentDefinition(name: try #require(SegmentName("test")), byteCount: 128 << 10)
        return try SegmentMemory(segmentID: segmentID, definition: definition, generation: generation)
    }

    /// A writer with mappings of its own, as a client has them.
    final class Client {
        let data: Mapping
        let lock: Mapping
        let store: Store

        init(_ memory: SegmentMemory, session: UInt32) throws {
            data = try Mapping(
                of: memory.data, byteCount: memory.dataByteCount, access: .readWrite, isPrivateToProcess: true)
            lock = try Mapping(
                of: memory.lock, byteCount: memory.lockByteCount, access: .readWrite, isPrivateToProcess: true)
            store = try unsafe Store(
                data: SharedBytes(data.baseAddress, byteCount: data.byteCount),
                lock: SharedBytes(lock.baseAddress, byteCount: lock.byteCount), session: session)
        }

        func lockWord() -> Bool { store.tryLock(at: 1) == 0 }

        /// Sets under a lock that is already taken.
        @discardableResult
        func set(_ key: UInt8, _ value: [UInt8]) throws(StoreError) -> UInt64 {
            try store.checkState()
            return try unsafe [key].span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                    try unsafe store.set(key, to: value, at: 1)
                }
            }
        }

        func put(_ key: UInt8, _ value: [UInt8]) throws {
            try #require(lockWord())
            try set(key, value)
            #expect(store.unlock() != .lost)
        }

        func value(_ key: UInt8) throws(StoreError) -> [UInt8]? {
            var buffer = [UInt8](repeating: 0, count: 65536)
            var target = buffer.mutableSpan
            let info = try unsafe [key].span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
                    unsafe try store.get(key, into: buffer)
                }
            }
            return info.map { [UInt8](buffer[..<$0.byteCount]) }
        }
    }

    private func adopt(
        _ data: borrowing MemoryFile, _ lock: borrowing MemoryFile, _ segmentID: UInt64, _ generation: UInt64
    ) throws -> SegmentMemory {
        try SegmentMemory(
            adopting: MemoryFile(adopting: data.descriptor.duplicated()),
            lock: MemoryFile(adopting: lock.descriptor.duplicated()), segmentID: segmentID, generation: generation)
    }

    @Test func adoptedGenerationIsTheSame() throws {
        let memory = try Self.make(generation: 3)
        try Client(memory, session: 1).put(1, [1, 2])
        let adopted = try adopt(memory.data, memory.lock, 7, 3)
        #expect(adopted.geometry == memory.geometry && adopted.createdAt == memory.createdAt)
        let client = try Client(adopted, session: 2)
        #expect(try client.value(1) == [1, 2])
        try client.put(2, [3])
        #expect(try Client(memory, session: 1).value(2) == [3])
        // What readers get can't be written.
        #expect(throws: Errno.permissionDenied) {
            _ = try Mapping(
                of: adopted.readOnlyData, byteCount: adopted.dataByteCount, access: .readWrite,
                isPrivateToProcess: true)
        }
    }

    @Test func wrongFilesAreRefusedWithASentence() throws {
        let (memory, other) = (try Self.make(), try Self.make(8))
        func reason(_ body: () throws -> SegmentMemory) -> String {
            do {
                _ = try body()
                return "adopted"
            } catch {
                return (error as? SegmentMemory.Failure)?.reason ?? "\(error)"
            }
        }
        let id = "the files are segment 7, generation 1, expected segment "
        #expect(reason { try adopt(memory.data, memory.lock, 8, 1) } == id + "8, generation 1")
        #expect(reason { try adopt(memory.data, memory.lock, 7, 2) } == id + "7, generation 2")
        let damaged = "the segment's header is damaged: "
        #expect(reason { try adopt(memory.data, other.lock, 7, 1) } == damaged + "a region is outside its file")
        #expect(reason { try adopt(memory.lock, memory.data, 7, 1) } == "the memory file is not a segment's")
        let open = try MemoryFile.create(label: "open")
        try open.reserve(byteCount: 65536)
        #expect(
            reason { try adopt(open, memory.lock, 7, 1) }
                == "the size of a file can still change, expected two sealed memory files")
        try open.seal()
        #expect(reason { try adopt(open, memory.lock, 7, 1) } == "the memory file is not a segment's")
        let client = try Client(memory, session: 1)
        client.store.data.store(99, 32)
        #expect(reason { try adopt(memory.data, memory.lock, 7, 1) } == damaged + "its checksum differs")
    }

    @Test func deadSessionsLockAndPinsAreFreed() throws {
        let memory = try Self.make()
        let (dead, living) = (try Client(memory, session: 5), try Client(memory, session: 6))
        let slot = try #require(dead.store.claimPinSlot())
        dead.store.pin(slot)
        #expect(try memory.pinHolds().map(\.session) == [5])
        try #require(dead.lockWord())
        try dead.set(1, [1])
        #expect(try memory.lockHolder().state == .owned(session: 5) && memory.lockHolder().takenAt == 1)
        #expect(try memory.repair(6) == .notOwner)
        #expect(!living.lockWord())
        #expect(try memory.repair(5) == .repaired(.nothing))
        #expect(try memory.lockHolder().state == .free)
        #expect(try memory.pinHolds().isEmpty)
        try living.put(2, [2])
        #expect(try living.value(1) == [1])
    }

    /// What can't be repaired keeps the word, until the values are in another generation.
    @Test func spoiledIntentIsFollowedByASwitch() throws {
        let (memory, new) = (try Self.make(), try Self.make(generation: 2))
        let client = try Client(memory, session: 5)
        try client.put(1, [1])
        try #require(client.lockWord())
        // The intent's state, which no writer leaves so.
        client.store.lock.store32(77, 192 + 56)
        for _ in 0..<2 {
            #expect(throws: SegmentMemory.Failure.self) {
                if try memory.lockHolder().state == .recovering {
                    _ = try memory.repairAgain()
                } else {
                    _ = try memory.repair(5)
                }
            }
            #expect(try memory.lockHolder().state == .recovering)
        }
        #expect(try memory.move(to: new, .held).copiedCount == 1)
        try memory.retire()
        #expect(try Client(new, session: 5).value(1) == [1])
        #expect(throws: StoreError.retired) { try client.value(1) }
    }

    @Test func switchWaitsForTheLockWordAndGivesUpInTime() throws {
        let (memory, new) = (try Self.make(), try Self.make(generation: 2))
        let client = try Client(memory, session: 5)
        try #require(client.lockWord())
        try client.set(1, [1])
        func errno(_ start: SwitchStart) -> Errno? {
            do throws(SegmentMemory.Failure) {
                _ = try memory.move(to: new, start)
                return nil
            } catch {
                return error.errno
            }
        }
        #expect(errno(.waiting(nanoseconds: 20_000_000)) == .timedOut)
        #expect(errno(.taking(session: 6)) == .stale)
        #expect(errno(.held) == .stale)
        #expect(client.store.unlock() == .withWaiters)
        #expect(errno(.taking(session: 5)) == .stale)
        try client.put(2, [2])
        #expect(errno(.waiting(nanoseconds: 20_000_000)) == nil)
        #expect(!client.lockWord())
        try memory.retire()
        let next = try Client(new, session: 5)
        #expect(try next.value(1) == [1])
        #expect(try next.value(2) == [2])
    }

    /// A switch that fails leaves the old generation as it was, for readers too.
    private func failToSwitch() throws -> Bool {
        let (memory, new) = (try Self.make(), try Self.make(generation: 2))
        let client = try Client(memory, session: 5)
        try client.put(1, [1])
        // The new generation's maps of free blocks.
        try new.withStore { (store, _) throws(StoreError) in store.lock.store(1 << 60, 352) }
        #expect(throws: SegmentMemory.Failure.self) { try memory.move(to: new, .waiting(nanoseconds: 1)) }
        do throws(StoreError) {
            let isFree = try memory.lockIsFree
            return try client.value(1) == [1] && isFree
        } catch {
            return false
        }
    }

    @Test func failedSwitchChangesNothing() throws {
        #expect(try failToSwitch())
        SeededFault.ofThisProcess = .retiredBeforeTheCopy
        defer { SeededFault.ofThisProcess = nil }
        #expect(try !failToSwitch(), "a generation that is retired before its values are copied was not found")
    }

    @Test func punchedGenerationSaysThatItIsRetired() throws {
        let (memory, new) = (try Self.make(), try Self.make(generation: 2))
        let client = try Client(memory, session: 5)
        for key in 0..<20 as Range<UInt8> { try client.put(key, [UInt8](repeating: key, count: 2000)) }
        _ = try memory.move(to: new, .waiting(nanoseconds: 1))
        try memory.retire()
        let before = try memory.data.descriptor.allocatedByteCount()
        try memory.punch()
        #expect(before >= 128 << 10)
        #expect(try memory.data.descriptor.allocatedByteCount() == Store.headerByteCount)
        for key in 0..<20 as Range<UInt8> {
            #expect(throws: StoreError.retired) { try client.value(key) }
            #expect(try Client(new, session: 5).value(key) == [UInt8](repeating: key, count: 2000))
        }
        #expect(!client.lockWord())
        // The header is whole: who attaches is told, too.
        #expect(throws: StoreError.retired) { try Client(memory, session: 6).value(1) }
    }
}

extension SegmentMemory {
    /// Whether nobody has the lock word.
    fileprivate var lockIsFree: Bool {
        get throws(StoreError) {
            do throws(Failure) {
                return try lockHolder().state == .free
            } catch {
                throw .busy
            }
        }
    }
}

extension FileDescriptor {
    /// Bytes of memory that a memory file takes.
    fileprivate borrowing func allocatedByteCount() throws -> Int {
        var status = stat()
        try #require(unsafe fstat(rawValue, &status) == 0)
        return Int(status.st_blocks) * 512
    }
}
