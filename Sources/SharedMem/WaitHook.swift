#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// What a test sees of this process's watches, and what it does between their steps; a release build does neither.
package enum WaitHook {
    #if SHAREDMEM_TEST_HOOKS
        private static let late = Atomic<UInt64>(0)
        private static let interlude = Mutex<(@Sendable () -> Void)?>(nil)
        private static let listing = Mutex<(@Sendable ([UInt8]) -> Void)?>(nil)

        /// Changes that were found because a whole slice had passed, not because somebody said so: wake-ups that were lost;
        /// nil: this build doesn't count.
        package static var lateCount: UInt64? { late.load(ordering: .relaxed) }

        /// Has `body` run once, by the next thread that has looked and is about to sleep.
        package static func beforeSleep(_ body: @escaping @Sendable () -> Void) {
            interlude.withLock { $0 = body }
        }

        /// Has `body` run behind each key that any listing of this process has met, with the key; nil: nothing.
        package static func whileListing(_ body: (@Sendable ([UInt8]) -> Void)?) {
            listing.withLock { $0 = body }
        }

        /// Counts a change that was found, if it's late.
        static func note(isLate: Bool) { if isLate { late.add(1, ordering: .relaxed) } }

        /// Does what the test wants done between a look and the sleep.
        static func pause() {
            let body = interlude.withLock { $0.take() }
            body?()
        }

        /// Does what the test wants done behind a key that is listed.
        static func pause(behind key: [UInt8]) {
            let body = listing.withLock { $0 }
            body?(key)
        }
    #else
        /// Changes that nobody said; nil: this build doesn't count.
        package static var lateCount: UInt64? { nil }

        /// Has nothing done.
        package static func beforeSleep(_ body: @escaping @Sendable () -> Void) {}

        /// Has nothing done.
        package static func whileListing(_ body: (@Sendable ([UInt8]) -> Void)?) {}

        /// Counts nothing.
        @inline(__always)
        static func note(isLate: Bool) {}

        /// Does nothing.
        @inline(__always)
        static func pause() {}

        /// Does nothing.
        @inline(__always)
        static func pause(behind key: [UInt8]) {}
    #endif
}
