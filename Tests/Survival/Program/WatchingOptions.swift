internal import ArgumentParser
internal import SharedMemStore

extension WatchingFault: ExpressibleByArgument {}

/// How watchers are looked at, whatever is done to whom.
struct WatchingOptions: ParsableArguments {
    @Option(help: "Where the daemon listens.")
    var socket: String

    @Flag(help: "Watchers sleep until somebody wakes them, however long: a lost wake-up is seen. Needs a debug build.")
    var patient = false

    @Option(help: "How long watchers may take until they know the last versions, in seconds.")
    var limit = 60

    @Option(help: "Seeds the random choices.")
    var seed: UInt64 = 1

    @Option(help: "A fault to put into the writers, which must then be found. Needs a debug build.")
    var fault: WatchingFault?

    func validate() throws {
        guard !patient && fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--patient and --fault need a debug build: a release build has no faults to seed")
        }
    }
}
