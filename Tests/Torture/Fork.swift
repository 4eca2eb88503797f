internal import ArgumentParser
internal import SharedMem
internal import TestSupport

/// Forks while attached: parent and child go on with the same handle.
struct Fork: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fork while attached; the child attaches again, the parent notices nothing.", shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    func run() throws {
        let segment = try Segment.open("default", socketPath: socket)
        try segment.set("fork", to: [1])
        let child = try ForkedProcess {
            do throws(SharedMemError) {
                let value = try segment.get("fork")
                try segment.set("fork", to: [2])
                return value == [1] ? 0 : 3
            } catch {
                return 4
            }
        }
        guard try child.waitUntilEnd() == .exit(0) else { throw ExitCode(3) }
        guard try segment.get("fork") == [2] else { throw ExitCode(5) }
        try segment.set("fork", to: [3])
        print("child wrote over its own attachment; parent goes on")
    }
}
