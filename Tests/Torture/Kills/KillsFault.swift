internal import ArgumentParser
internal import SharedMemStore

/// A fault that `kills` must find, by its name on the command line.
enum KillsFault: String, ExpressibleByArgument, CaseIterable {
    /// Whoever repairs frees the lock word and does nothing else.
    case recovery
    /// Writers don't say that they publish.
    case intent
    /// Changes of the heap aren't logged.
    case undo
    /// Writers forget their intent before the old record is in limbo.
    case forgotten
    /// Readers believe what they copied.
    case validation
    /// Writers set the keys of a transaction one after the other.
    case halves
    /// Writers call a set done before they begin it.
    case acknowledgement

    /// Puts the fault into this process's store, if it is one of the store's; a release build was refused before.
    func seed() {
        #if SHAREDMEM_TEST_HOOKS
            switch self {
            case .intent: SeededFault.ofThisProcess = .intentLeftOut
            case .undo: SeededFault.ofThisProcess = .undoLeftOut
            case .forgotten: SeededFault.ofThisProcess = .forgottenTooEarly
            case .validation: SeededFault.ofThisProcess = .validationLeftOut
            case .recovery, .halves, .acknowledgement: break
            }
        #endif
    }
}
