internal import ArgumentParser
internal import SharedMemStore

/// What a hostile run and its workers have to agree on.
struct HostilePlan: ParsableArguments {
    @Option(help: "Where the random numbers begin.")
    var seed: UInt64 = 1

    @Option(help: "How long one case may take, in seconds.")
    var limit: UInt32 = 60

    @Option(help: "A fault that the run must find: overrun (in the store, debug builds) or loop (in the test).")
    var fault: HostileFault?

    func validate() throws {
        guard (1...3600).contains(limit) else { throw ValidationError("--limit is 1 to 3600, not \(limit)") }
        guard fault != .overrun || SeededFault.areBuiltIn else {
            throw ValidationError("--fault overrun needs a debug build: a release build has no faults to seed")
        }
    }

    /// The same as arguments for a worker.
    var arguments: [String] {
        ["--seed", "\(seed)", "--limit", "\(limit)"] + (fault.map { ["--fault", $0.rawValue] } ?? [])
    }
}

/// A fault by its name on the command line.
enum HostileFault: String, ExpressibleByArgument, CaseIterable {
    /// A record's value may end one byte behind the heap.
    case overrun
    /// A case never ends.
    case loop

    /// Puts the fault into this process's stores.
    func seed() {
        #if SHAREDMEM_TEST_HOOKS
            if self == .overrun { SeededFault.ofThisProcess = .overrun }
        #endif
    }
}
