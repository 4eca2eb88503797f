internal import CLinuxIPC
public import Synchronization

/// Guards a value between the threads of a process, also in a child that was forked while another thread held it.
///
/// The word is 0 (free), 1 (taken) or 2 (taken, and somebody may sleep), with the fork counter above: a word with
/// another process's counter counts as free, because its owner doesn't exist in this process. What a thread was
/// changing at the moment of the fork stays as it was; so values here are made to be replaced in a child as a whole.
///
/// Source: U. Drepper, "Futexes Are Tricky", 2011, second mutex.
@safe
@usableFromInline package struct ForkSafeMutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Proof of @unchecked: `value` is reached by the thread alone that has put 1 or 2 into `word`.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    /// Guards `value`.
    package init(_ value: consuming Value) {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        unsafe self.value = .allocate(capacity: 1)
        unsafe self.value.initialize(to: value)
    }

    @inlinable deinit {
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    /// Runs `body` with the value while no other thread has it.
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try unsafe body(&value.pointee)
    }

    /// Runs `body` with the value if no other thread has it; nil: one has.
    package borrowing func withLockIfFree<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard tryLock() else { return nil }
        defer { unlock() }
        return try unsafe body(&value.pointee)
    }

    /// Takes the word if it's free.
    private borrowing func tryLock() -> Bool {
        let process = ForkCounter.current &<< 2
        let found = unsafe word.pointee.load(ordering: .relaxed)
        guard found & ~3 != process || found & 3 == 0 else { return false }
        // SYNC: acquires what the last owner wrote; pairs with `unlock()`.
        return unsafe word.pointee.compareExchange(
            expected: found, desired: process | 1, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged
    }

    /// The word as the kernel sees it.
    private var futex: UnsafeMutablePointer<UInt32> {
        unsafe UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }

    private borrowing func lock() {
        let process = ForkCounter.current &<< 2
        var desired = process | 1
        while true {
            let found = unsafe word.pointee.load(ordering: .relaxed)
            let isFree = found & ~3 != process || found & 3 == 0
            if isFree {
                // SYNC: acquires what the last owner wrote; pairs with `unlock()`.
                let exchange = unsafe word.pointee.compareExchange(
                    expected: found, desired: desired, successOrdering: .acquiring, failureOrdering: .relaxed)
                if exchange.exchanged { return }
                continue
            }
            desired = process | 2
            var isAnnounced = found == desired
            if !isAnnounced {
                isAnnounced = unsafe word.pointee.compareExchange(expected: found, desired: desired, ordering: .relaxed)
                    .exchanged
            }
            if isAnnounced { _ = unsafe Futex.wait(on: futex, while: desired, nanoseconds: 1_000_000_000) }
        }
    }

    private borrowing func unlock() {
        // SYNC: publishes the value to the next owner; pairs with `lock()`.
        let found = unsafe word.pointee.exchange(ForkCounter.current &<< 2, ordering: .releasing)
        if found & 3 == 2 { unsafe Futex.wake(futex, count: 1) }
    }
}
