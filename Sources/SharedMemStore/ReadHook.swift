#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// What a test sees of this process's reads, and how it slows them down; a release build does neither.
@usableFromInline
package enum ReadHook {
    #if SHAREDMEM_TEST_HOOKS
        private static let overtaken = Atomic<UInt64>(0)
        private static let pauses = Atomic<UInt64>(0)

        /// Reads that a writer overtook, so that they were begun again; nil: this build doesn't count.
        package static var overtakenCount: UInt64? { overtaken.load(ordering: .relaxed) }

        /// Commits that every read waits for between looking an entry up and copying its record, as a reader does that
        /// isn't given the processor.
        package static var commitsToWaitFor: UInt64 {
            get { pauses.load(ordering: .relaxed) }
            set { pauses.store(newValue, ordering: .relaxed) }
        }

        /// Counts an overtaken read.
        static func noteOvertaken() { overtaken.add(1, ordering: .relaxed) }

        /// Waits for the commits that a test asked for; a second or so at most, so that a test ends without a writer too.
        @usableFromInline
        package static func pause(_ store: borrowing Store) {
            let commits = commitsToWaitFor
            if commits == 0 { return }
            let start = store.commitNumber
            var spins = 0
            while store.commitNumber &- start < commits, spins < 10_000_000 { spins &+= 1 }
        }
    #else
        /// Reads that a writer overtook, so that they were begun again; nil: this build doesn't count.
        @inline(__always)
        package static var overtakenCount: UInt64? { nil }

        /// Counts an overtaken read; nothing in this build.
        @inline(__always)
        static func noteOvertaken() {}

        /// Waits for the commits that a test asked for; nothing in this build.
        @inlinable @inline(__always)
        package static func pause(_ store: borrowing Store) {}
    #endif
}
