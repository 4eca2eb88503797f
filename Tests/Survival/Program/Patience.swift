internal import SharedMemStore

/// Sleeping until somebody wakes one, however long that is.
///
/// Watchers don't do it, so that a lost wake-up costs a second at most. One that does shows whether one was lost.
enum Patience {
    /// Whether this build has it: a debug build.
    static var isBuiltIn: Bool { SeededFault.areBuiltIn }

    /// Makes this process's watchers patient.
    static func seed() {
        #if SHAREDMEM_TEST_HOOKS
            SeededFault.ofThisProcess = .slicesLeftOut
        #endif
    }
}
