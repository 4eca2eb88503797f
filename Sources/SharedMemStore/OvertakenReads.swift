#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// Counts the reads of this process that a writer overtook, so that they were begun again; a release build doesn't.
package enum OvertakenReads {
    #if SHAREDMEM_TEST_HOOKS
        private static let counter = Atomic<UInt64>(0)

        /// How many there were so far; nil: this build doesn't count.
        package static var count: UInt64? { counter.load(ordering: .relaxed) }

        /// Counts one.
        static func note() { counter.add(1, ordering: .relaxed) }
    #else
        /// How many there were so far; nil: this build doesn't count.
        @inline(__always)
        package static var count: UInt64? { nil }

        /// Counts one; nothing in this build.
        @inline(__always)
        static func note() {}
    #endif
}
