internal import ArgumentParser
internal import SharedMemStore

/// What a run and its workers have to agree on.
struct Plan: ParsableArguments {
    @Option(help: "How long the workers run, in seconds.")
    var seconds = 10

    @Option(help: "Keys that all workers share.")
    var keys = 10_000

    @Option(help: "A fault to put into the store, which the run must then find: lock or validation.")
    var fault: FaultName?

    func validate() throws {
        guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds is 1 to 86400, not \(seconds)") }
        guard (1...1_000_000).contains(keys) else { throw ValidationError("--keys is 1 to 1000000, not \(keys)") }
        guard fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--fault needs a debug build: a release build has no faults to seed")
        }
    }

    /// The same as arguments for a worker.
    var arguments: [String] {
        ["--seconds", "\(seconds)", "--keys", "\(keys)"] + (fault.map { ["--fault", $0.rawValue] } ?? [])
    }
}

/// A fault by its name on the command line.
enum FaultName: String, ExpressibleByArgument, CaseIterable {
    case lock, validation

    /// Puts the fault into this process's store; a release build, which has none, was refused before.
    func seed() {
        #if SHAREDMEM_TEST_HOOKS
            switch self {
            case .lock: SeededFault.ofThisProcess = .lockLeftOut
            case .validation: SeededFault.ofThisProcess = .validationLeftOut
            }
        #endif
    }
}
