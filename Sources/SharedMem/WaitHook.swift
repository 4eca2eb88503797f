#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// What a test sees of this process's watches, and what it does between their steps; a release build does neither.
package enum WaitHook {
    #if SHAREDMEM_TEST_HOOKS
        private static let late = Atomic<UInt64>(0)
        private static let interlude = Mutex<(@Sendable () -> Void)?>(nil)

        /// Changes that were found because a whole slice had passed, not because somebody said so: wake-ups that were lost;
        /// nil: this build doesn't count.
        package static var lateCount: UInt64? { late.load(ordering: .relaxed) }

        /// Has `body` run once, by the next thread that has looked and is about to sleep.
        package static func beforeSleep(_ body: @escaping @Sendable () -> Void) {
            interlude.withLock { $0 = body }
        }

        /// Counts a change that was found, if it's late.
        static func note(isLate: Bool) { if isLate { late.add(1, ordering: .relaxed) } }

        /// Does what the test wants done between a look and the sleep.
        static func pause() {
            let body = interlude.withLock { $0.take() }
            body?()
        }
    #else
        /// Changes that nobody said; nil: this build doesn't count.
        package static var lateCount: UInt64? { nil }

        /// Has nothing done.
        package static func beforeSleep(_ body: @escaping @Sendable () -> Void) {}

        /// Counts nothing.
        @inline(__always)
        static func note(isLate: Bool) {}

        /// Does nothing.
        @inline(__always)
        static func pause() {}
    #endif
}
