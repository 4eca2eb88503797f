internal import CLinuxIPC

/// Sleeps on words in shared memory and wakes who sleeps there.
package enum Futex {
    /// Names why a wait ended.
    package enum WaitResult: Sendable, Equatable {
        /// Somebody woke the caller, or the kernel did so without a reason: look at the word again.
        case woken
        /// The word held another value already.
        case changed
        /// The time passed.
        case timedOut
        /// A signal came.
        case interrupted
        /// The word isn't mapped or isn't aligned.
        case failed
    }

    /// Sleeps while `word` holds `value`, at most so many nanoseconds; needs only a read-only mapping; `futex(2)`.
    @unsafe package static func wait(
        on word: UnsafeMutablePointer<UInt32>, while value: UInt32, nanoseconds: UInt64
    ) -> WaitResult {
        if unsafe linuxipc_futex_wait(word, value, nanoseconds) == 0 { return .woken }
        return switch linuxipc_errno() {
        case EAGAIN: .changed
        case ETIMEDOUT: .timedOut
        case EINTR: .interrupted
        default: .failed
        }
    }

    /// Wakes at most `count` of those who sleep on `word` and returns how many there were; `futex(2)`.
    @unsafe @discardableResult
    package static func wake(_ word: UnsafeMutablePointer<UInt32>, count: Int32) -> Int32 {
        unsafe linuxipc_futex_wake(word, count)
    }
}
