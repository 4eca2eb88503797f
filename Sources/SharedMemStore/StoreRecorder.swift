#if SHAREDMEM_TEST_HOOKS
    /// The stores that were made into a generation's files, in program order: what a writer that is killed leaves is a prefix of them.
    ///
    /// Only in test builds. Not for use by several threads.
    package final class StoreRecorder {
        /// One store.
        package struct Step {
            /// Whether it went to the lock file; otherwise to the data file.
            package let isLock: Bool
            /// Bytes from the start of the file.
            package let offset: Int
            /// What was stored.
            package let value: UInt64
            /// 4 or 8.
            package let byteCount: Int
        }

        /// The stores so far, into both files of a generation.
        package var steps: [Step] = []

        package init() {}
    }
#endif
