internal import LinuxIPC
internal import SharedMemStore

/// Where to sleep until there is something to look at again.
struct Rest {
    /// The generation.
    let attachment: AttachedStore
    /// The index of the notify word.
    let word: Int
    /// What the word was before it was looked at what had changed.
    var value: UInt32
    /// When to look whatever the word says: ns of the monotonic clock.
    var until: UInt64

    /// The longest sleep in one go: a wake-up that died with its waker costs this much at most.
    static var sliceNanoseconds: UInt64 {
        #if SHAREDMEM_TEST_HOOKS
            if SeededFault.ofThisProcess == .slicesLeftOut { return 3_600_000_000_000 }
        #endif
        return 1_000_000_000
    }

    /// The time between two looks for a daemon that is gone, or at a segment that is being moved.
    static var napNanoseconds: UInt64 { 20_000_000 }

    /// Sleeps until the word changes, at most until `deadline`, or until it's called off; whether `until` has come.
    ///
    /// With a mark of the cancellation a recall since then ends it, too.
    func sleep(deadline: UInt64, cancellation: WaitCancellation?, mark: UInt32? = nil) -> Bool {
        let now = SystemClock.monotonic()
        let moment = min(until, deadline)
        guard now < moment else { return now >= until }
        WaitHook.pause()
        let result: Futex.WaitResult
        if let cancellation {
            var words = FutexWords(capacity: 2)
            attachment.append(word, while: value, to: &words)
            words.append(cancellation.word, while: mark ?? cancellation.mark & ~1)
            result = words.wait(until: moment)
        } else {
            result = attachment.waitForChange(of: word, while: value, nanoseconds: moment - now)
        }
        // Whatever the kernel objects to, it isn't asked without a pause.
        if result == .failed { ThisProcess.pause(nanoseconds: min(moment - now, Self.napNanoseconds)) }
        return SystemClock.monotonic() >= until
    }
}
