internal import ArgumentParser

/// Leaves a lock word to a session that never was, so that its segment must move to a new generation.
struct Forge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the id of a session that never was into a segment's lock word, and end.")

    @Argument(help: "The segment.")
    var segment: String

    @Option(help: "Where the daemon listens.")
    var socket: String

    func run() throws {
        try Finding.reported {
            let client = try RawClient(segment: segment, socketPath: socket)
            try client.takeLock(try client.store())
            try client.forgeLock(Holder.forgedSession)
        }
    }
}
