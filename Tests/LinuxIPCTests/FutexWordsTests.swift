import Dispatch
import Foundation
import LinuxIPC
import Synchronization
import Testing

/// Words on which a thread sleeps at once; with `futex_waitv(2)`, and as under a kernel that doesn't have it.
struct FutexWordsTests {
    /// A page of words that are 0, which other processes could map, too.
    private let mapping: SharedPage

    /// A mapping that closures can share.
    private final class SharedPage: Sendable {
        let mapping: Mapping

        init() throws(Errno) {
            let file = try MemoryFile.create(label: "futex-words")
            try file.reserve(byteCount: 4096)
            let readOnlyFile = try file.reopenedReadOnly()
            mapping = try Mapping(of: readOnlyFile, byteCount: 4096, access: .readOnly, isPrivateToProcess: true)
        }

        func word(_ index: Int) -> UnsafeMutablePointer<UInt32> {
            unsafe mapping.baseAddress.assumingMemoryBound(to: UInt32.self) + index
        }
    }

    init() throws { mapping = try SharedPage() }

    private static var patience: UInt64 { 60_000_000_000 }

    @Test(arguments: [true, false]) func wordThatDiffersEndsTheSleepAtOnce(_ isPlural: Bool) {
        var words = FutexWords(isPlural: isPlural)
        for index in 0..<100 { unsafe words.append(mapping.word(index), while: index == 99 ? 1 : 0) }
        #expect(words.count == 100)
        #expect(words.wait(until: SystemClock.monotonic() + Self.patience) == .changed)
    }

    @Test(arguments: [true, false]) func sleepEndsWhenTheMomentComes(_ isPlural: Bool) {
        var words = FutexWords(isPlural: isPlural)
        unsafe words.append(mapping.word(0), while: 0)
        unsafe words.append(mapping.word(1), while: 0)
        let deadline = SystemClock.monotonic() + 20_000_000
        #expect(words.wait(until: deadline) == .timedOut)
        #expect(SystemClock.monotonic() >= deadline)
        #expect(words.wait(until: deadline) == .timedOut)
    }

    @Test func moreThan128WordsAreRefused() {
        var words = FutexWords()
        for index in 0..<128 { #expect(unsafe words.append(mapping.word(index), while: 0)) }
        #expect(unsafe !words.append(mapping.word(128), while: 0))
        #expect(words.wait(until: SystemClock.monotonic() + 1_000_000) == .timedOut)
        words.removeAll()
        #expect(words.count == 0)
    }

    @Test(arguments: [0, 63, 127]) func wakeOfAnyWordEndsTheSleep(_ woken: Int) throws {
        let result = Mutex<Futex.WaitResult?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [mapping] in
            var words = FutexWords()
            for index in 0..<128 { unsafe words.append(mapping.word(index), while: 0) }
            let ended = words.wait(until: SystemClock.monotonic() + Self.patience)
            result.withLock { $0 = ended }
            isOver.signal()
        }
        let limit = SystemClock.monotonic() + Self.patience
        while unsafe Futex.wake(mapping.word(woken), count: 1) == 0, SystemClock.monotonic() < limit { sched_yield() }
        #expect(isOver.wait(timeout: .now() + 60) == .success)
        #expect(result.withLock { $0 } == .woken)
    }

    @Test(arguments: [true, false]) func privateWordCallsASleeperOff(_ isPlural: Bool) throws {
        let word = PrivateWord()
        let isOver = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [mapping] in
            var words = FutexWords(isPlural: isPlural)
            unsafe words.append(mapping.word(0), while: 0)
            words.append(word, while: 0)
            let limit = SystemClock.monotonic() + Self.patience
            while word.value == 0, SystemClock.monotonic() < limit { _ = words.wait(until: limit) }
            isOver.signal()
        }
        word.advance()
        #expect(isOver.wait(timeout: .now() + 60) == .success)
        #expect(word.value == 1)
        word.raise(7)
        #expect(word.value == 7)
    }
}
