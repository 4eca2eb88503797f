internal import ArgumentParser
internal import SharedMem

/// The process that watches the segment of `costs` until it's killed.
struct CostsWatcher: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "costs-watcher", abstract: "Watch a key and everything; started by costs.", shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    func run() throws {
        let segment = try Segment.open(CostsWorker.segmentName, access: .readOnly, socketPath: socket)
        let key = try segment.watch("key-0")
        let everything = try segment.watch(prefix: "")
        while true {
            _ = try everything.next()
            _ = try key.poll()
        }
    }
}
