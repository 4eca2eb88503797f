#if SHAREDMEM_TEST_HOOKS
    internal import Synchronization
#endif

/// A fault that a test puts into the store on purpose, to show that it would be caught; a release build has none.
package enum SeededFault: UInt32, CaseIterable, Sendable {
    /// Writers don't take the lock word.
    case lockLeftOut = 1
    /// Readers believe what they copied.
    case validationLeftOut = 2
    /// Writers don't say that they publish.
    case intentLeftOut = 3
    /// Changes of the heap aren't logged.
    case undoLeftOut = 4
    /// The reference is stored before the record is filled.
    case publishedTooEarly = 5
    /// A replaced record goes to limbo twice.
    case retiredTwice = 6
    /// The intent is forgotten before limbo is assigned.
    case forgottenTooEarly = 7

    #if SHAREDMEM_TEST_HOOKS
        /// Whether this build can seed faults.
        package static var areBuiltIn: Bool { true }

        private static let current = Atomic<UInt32>(0)

        /// Seeds one fault in this process, or none.
        package static func seed(_ fault: SeededFault?) {
            current.store(fault?.rawValue ?? 0, ordering: .relaxed)
        }

        /// Whether this fault is seeded.
        package var isSeeded: Bool { Self.current.load(ordering: .relaxed) == rawValue }
    #else
        /// Whether this build can seed faults.
        package static var areBuiltIn: Bool { false }

        /// Whether this fault is seeded.
        @inline(__always)
        package var isSeeded: Bool { false }
    #endif
}
