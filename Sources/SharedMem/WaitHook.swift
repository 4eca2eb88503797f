#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// What a test sees of this process's watches; a release build counts nothing.
package enum WaitHook {
    #if SHAREDMEM_TEST_HOOKS
        private static let late = Atomic<UInt64>(0)

        /// Changes that were found because a whole slice had passed, not because somebody said so: wake-ups that were lost;
        /// nil: this build doesn't count.
        package static var lateCount: UInt64? { late.load(ordering: .relaxed) }

        /// Counts a change that was found, if it's late.
        static func note(isLate: Bool) { if isLate { late.add(1, ordering: .relaxed) } }
    #else
        /// Changes that nobody said; nil: this build doesn't count.
        package static var lateCount: UInt64? { nil }

        /// Counts nothing.
        @inline(__always)
        static func note(isLate: Bool) {}
    #endif
}
