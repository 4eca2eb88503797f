import Foundation
import LinuxIPC
import SharedMemStore
import Synchronization
import Testing

/// A thread that sleeps on a notify word until it's woken, as one that watches.
final class Sleeper: Sendable {
    private let result = Mutex<Futex.WaitResult?>(nil)
    private let task = Mutex<String?>(nil)
    private let isOver = DispatchSemaphore(value: 0)

    /// Sleeps on a word of a data file while it's as it is now, at most so many seconds; returns when it sleeps.
    init(on index: Int, of data: borrowing MemoryFile, seconds: UInt64 = 60) throws {
        let mapping = try Mapping(
            of: MemoryFile(adopting: try data.descriptor.duplicated()), byteCount: Store.headerByteCount,
            access: .readOnly, isPrivateToProcess: true)
        let offset = NotifyWords.offset(of: index)
        let word = unsafe mapping.baseAddress.load(fromByteOffset: offset, as: UInt32.self)
        let address = unsafe String(UInt(bitPattern: mapping.baseAddress.advanced(by: offset)), radix: 16)
        Thread.detachNewThread { [self] in
            let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
            task.withLock { $0 = own }
            let ended = mapping.wait(at: offset, while: word, nanoseconds: seconds * 1_000_000_000)
            result.withLock { $0 = ended }
            isOver.signal()
        }
        try waitUntil("the thread sleeps") { self.isAsleep(on: "0x\(address)") }
    }

    /// Whether the thread is in a system call about an address, as the kernel says; also when it's there no longer.
    private func isAsleep(on address: String) -> Bool {
        if result.withLock({ $0 }) != nil { return true }
        guard let task = task.withLock({ $0 }) else { return false }
        do {
            // The call's number and its arguments.
            return try String(contentsOfFile: "/proc/\(task)/syscall", encoding: .utf8).split(separator: " ")
                .dropFirst()
                .first.map(String.init) == address
        } catch {
            // The thread has ended.
            return false
        }
    }

    /// Waits until the sleep ends, and says how.
    func end() throws -> Futex.WaitResult? {
        try #require(isOver.wait(timeout: .now() + 120) == .success, "the thread sleeps on")
        return result.withLock { $0 }
    }
}

/// The notify words of a generation at one moment.
struct WordsMoment {
    private let words: [UInt32]

    init(_ store: Store) { words = (0..<NotifyWords.limit).map { store.notifyWord($0) } }

    /// The words that have moved since.
    func moved(_ store: Store) -> NotifyWords {
        var moved = NotifyWords()
        for (index, word) in words.enumerated() where store.notifyWord(index) != word {
            if index == NotifyWords.segmentIndex { moved.segment = true } else { moved.stripes |= 1 << UInt64(index) }
        }
        return moved
    }
}
