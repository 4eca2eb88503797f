internal import Foundation

/// A child process that can be stopped and resumed; ended with its owner.
final class StoppableProcess: Sendable {
    private let process: Process
    /// Its id.
    private var pid: pid_t { process.processIdentifier }

    /// Starts `program`, which inherits standard output.
    init(_ program: URL, _ arguments: [String]) throws {
        process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    /// Whether it hasn't ended.
    var isRunning: Bool { process.isRunning }

    /// Stops it and waits until it stands; `waitid(2)`.
    func stop() throws(Wrong) {
        var info = unsafe siginfo_t()
        guard kill(pid, SIGSTOP) == 0, unsafe waitid(P_PID, id_t(pid), &info, WSTOPPED) == 0 else {
            throw Wrong(description: "the writer could not be stopped: errno \(errno)")
        }
    }

    /// Lets it go on.
    func resume() throws(Wrong) {
        guard kill(pid, SIGCONT) == 0 else {
            throw Wrong(description: "the writer could not be resumed: errno \(errno)")
        }
    }

    /// Kills it, stopped or not, and waits for its end.
    func end() {
        kill(pid, SIGKILL)
        process.waitUntilExit()
    }
}
