public import CLinuxIPC
internal import Synchronization

/// Up to 128 words on which a thread sleeps at once; `futex_waitv(2)`.
///
/// A kernel before Linux 5.16, or a sandbox that doesn't know the call, makes it sleep on the first word alone, in slices
/// of 100 ms.
@safe
@usableFromInline package struct FutexWords: ~Copyable {
    @usableFromInline let words: UnsafeMutablePointer<linuxipc_futex_word>
    private let capacity: Int
    /// How many words there are.
    package private(set) var count = 0
    /// Whether it's tried to sleep on all of them.
    private let isPlural: Bool

    /// The most words.
    package static var limit: Int { Int(LINUXIPC_FUTEX_WORDS_MAX) }

    /// The longest sleep on the first word alone: ns.
    package static var sliceNanoseconds: UInt64 { 100_000_000 }

    /// No words, and room for so many; without `isPlural` it sleeps as under a kernel that doesn't have the call.
    package init(capacity: Int = Self.limit, isPlural: Bool = true) {
        self.capacity = max(min(capacity, Self.limit), 1)
        unsafe words = .allocate(capacity: self.capacity)
        self.isPlural = isPlural
    }

    @inlinable deinit { unsafe words.deallocate() }

    /// Forgets the words.
    package mutating func removeAll() { count = 0 }

    /// Adds a word, which is slept on while it holds `value`; false: there is no room left.
    ///
    /// The word must stay where it is until it's forgotten. `isPrivate`: no other process has it.
    @unsafe @discardableResult
    package mutating func append(
        _ word: UnsafeMutablePointer<UInt32>, while value: UInt32, isPrivate: Bool = false
    ) -> Bool {
        guard count < capacity else { return false }
        var next = linuxipc_futex_word()
        next.value = UInt64(value)
        next.address = UInt64(UInt(bitPattern: word))
        next.flags = UInt32(isPrivate ? LINUXIPC_FUTEX_PRIVATE : LINUXIPC_FUTEX_SHARED)
        unsafe (words + count).initialize(to: next)
        count += 1
        return true
    }

    /// Sleeps while every word holds its value, at most until a moment of CLOCK_MONOTONIC: ns; `futex_waitv(2)`.
    ///
    /// May end earlier without a reason: look at the words again.
    package borrowing func wait(until deadline: UInt64) -> Futex.WaitResult {
        guard isPlural else { return waitForFirst(until: deadline) }
        if unsafe linuxipc_futex_wait_any(words, UInt32(count), deadline) >= 0 { return .woken }
        return switch linuxipc_errno() {
        case EAGAIN: .changed
        case ETIMEDOUT: .timedOut
        case EINTR: .interrupted
        // EPERM: from the sandbox of a container that is older than the call.
        case ENOSYS, EPERM: waitForFirst(until: deadline)
        default: .failed
        }
    }

    private borrowing func waitForFirst(until deadline: UInt64) -> Futex.WaitResult {
        for index in 0..<count where unsafe value(index) != UInt32(truncatingIfNeeded: words[index].value) {
            return .changed
        }
        let now = SystemClock.monotonic()
        guard now < deadline else { return .timedOut }
        let limit = min(deadline - now, Self.sliceNanoseconds)
        guard count > 0, let word = unsafe word(0) else {
            ThisProcess.pause(nanoseconds: limit)
            return .timedOut
        }
        return unsafe Futex.wait(on: word, while: UInt32(truncatingIfNeeded: words[0].value), nanoseconds: limit)
    }

    private borrowing func word(_ index: Int) -> UnsafeMutablePointer<UInt32>? {
        unsafe UnsafeMutablePointer(bitPattern: UInt(words[index].address))
    }

    private borrowing func value(_ index: Int) -> UInt32? {
        guard let word = unsafe word(index) else { return nil }
        // Relaxed: whoever acts upon the word loads it again.
        return unsafe UnsafeMutableRawPointer(word).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
            .load(ordering: .relaxed)
    }
}
