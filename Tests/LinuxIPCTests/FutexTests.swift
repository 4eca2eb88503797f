import Dispatch
import Foundation
import LinuxIPC
import Synchronization
import Testing

struct FutexTests {
    /// Makes a file with a zero word at its start.
    private func wordFile() throws(Errno) -> MemoryFile {
        let file = try MemoryFile.create(label: "futex")
        try file.reserve(byteCount: 4096)
        return file
    }

    @Test func waitOnAnotherValueReturnsAtOnce() throws {
        let mapping = try Mapping(of: wordFile(), byteCount: 4096, access: .readOnly, isPrivateToProcess: true)
        let word = unsafe mapping.baseAddress.assumingMemoryBound(to: UInt32.self)
        let result = unsafe Futex.wait(on: word, while: 1, nanoseconds: 60_000_000_000)
        #expect(result == .changed)
    }

    @Test func waitEndsWhenTheTimePasses() throws {
        let mapping = try Mapping(of: wordFile(), byteCount: 4096, access: .readOnly, isPrivateToProcess: true)
        let word = unsafe mapping.baseAddress.assumingMemoryBound(to: UInt32.self)
        let start = SystemClock.monotonic()
        let result = unsafe Futex.wait(on: word, while: 0, nanoseconds: 20_000_000)
        #expect(result == .timedOut)
        #expect(SystemClock.monotonic() - start >= 20_000_000)
    }

    @Test func waitOnACrookedAddressFails() throws {
        let mapping = try Mapping(of: wordFile(), byteCount: 4096, access: .readOnly, isPrivateToProcess: true)
        let crooked = unsafe (mapping.baseAddress + 1).assumingMemoryBound(to: UInt32.self)
        let result = unsafe Futex.wait(on: crooked, while: 0, nanoseconds: 1)
        #expect(result == .failed)
    }

    @Test func nobodyWaitsNobodyIsWoken() throws {
        let mapping = try Mapping(of: wordFile(), byteCount: 4096, access: .readWrite, isPrivateToProcess: true)
        let word = unsafe mapping.baseAddress.assumingMemoryBound(to: UInt32.self)
        #expect(unsafe Futex.wake(word, count: 1) == 0)
    }

    @Test func wakeReachesASleeperOnAReadOnlyMapping() throws {
        let file = try wordFile()
        let readOnlyFile = try file.reopenedReadOnly()
        let sleepers = try Mapping(of: readOnlyFile, byteCount: 4096, access: .readOnly, isPrivateToProcess: true)
        let wakers = try Mapping(of: file, byteCount: 4096, access: .readWrite, isPrivateToProcess: true)
        let result = Mutex<Futex.WaitResult?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let word = unsafe sleepers.baseAddress.assumingMemoryBound(to: UInt32.self)
            let ended = unsafe Futex.wait(on: word, while: 0, nanoseconds: 60_000_000_000)
            result.withLock { $0 = ended }
            isOver.signal()
        }
        let word = unsafe wakers.baseAddress.assumingMemoryBound(to: UInt32.self)
        let limit = SystemClock.monotonic() + 60_000_000_000
        while unsafe Futex.wake(word, count: 1) == 0, SystemClock.monotonic() < limit { sched_yield() }
        #expect(isOver.wait(timeout: .now() + 60) == .success)
        #expect(result.withLock { $0 } == .woken)
    }
}
