internal import ArgumentParser
internal import Glibc
internal import SharedMem

/// Forks while attached: parent and child go on with the same handle.
struct Fork: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fork while attached; the child attaches again, the parent notices nothing.", shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    func run() throws {
        let segment = try Segment.open("default", socketPath: socket)
        try segment.set("fork", to: [1])
        // Swift's Glibc module doesn't offer fork(2), which is unsafe with more threads than one.
        typealias Call = @convention(c) () -> pid_t
        guard let symbol = unsafe dlsym(nil, "fork") else { throw ExitCode(2) }
        let child = unsafe unsafeBitCast(symbol, to: Call.self)()
        guard child >= 0 else { throw ExitCode(2) }
        if child == 0 {
            do throws(SharedMemError) {
                let value = try segment.get("fork")
                try segment.set("fork", to: [2])
                _exit(value == [1] ? 0 : 3)
            } catch {
                _exit(4)
            }
        }
        var status: Int32 = 0
        guard unsafe waitpid(child, &status, 0) == child, status == 0 else { throw ExitCode(3) }
        guard try segment.get("fork") == [2] else { throw ExitCode(5) }
        try segment.set("fork", to: [3])
        print("child wrote over its own attachment; parent goes on")
    }
}
