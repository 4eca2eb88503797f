import Foundation
import LinuxIPC
import Testing

/// A daemon that runs for one test, with a socket, a state and a configuration of its own.
struct RunningDaemon {
    /// The folder that holds all of it.
    let folder: TemporaryFolder
    /// The daemon's process.
    let process: Process

    /// Where the daemon listens.
    var socketPath: String { folder.path("control.sock") }

    /// What the daemon is configured with: one segment that belongs to root.
    private static let configuration = """
        segments:
          default:
            size: 1MiB
            owner: 0
            group: 0
            mode: 0600
        """

    /// Runs `body` while a daemon answers, and ends the daemon afterwards.
    static func use(_ body: (RunningDaemon) throws -> Void) throws {
        try TemporaryFolder.use { folder in
            try Data(configuration.utf8).write(to: folder.url("sharedmemd.yaml"))
            let program = try BuiltProgram("sharedmemd")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: program.path)
            process.arguments = [
                "--no-keeper", "--socket", folder.path("control.sock"), "--state-directory", folder.path("state"),
                "--config", folder.path("sharedmemd.yaml"),
            ]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = try folder.file("log")
            let ended = DispatchSemaphore(value: 0)
            process.terminationHandler = { _ in ended.signal() }
            try process.run()
            let daemon = RunningDaemon(folder: folder, process: process)
            defer {
                kill(process.processIdentifier, SIGTERM)
                if ended.wait(timeout: .now() + 60) == .timedOut {
                    kill(process.processIdentifier, SIGKILL)
                    Issue.record("the daemon didn't end within 60 s of SIGTERM")
                }
            }
            try daemon.waitUntilItAnswers()
            try body(daemon)
        }
    }

    /// Connects until somebody listens, for at most 60 s.
    private func waitUntilItAnswers() throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do throws(Errno) {
                _ = try UnixSocket.connecting(to: socketPath)
                return
            } catch {
                let log = String(decoding: try Data(contentsOf: folder.url("log")), as: UTF8.self)
                try #require(process.isRunning, "the daemon has ended: \(log)")
                try #require(ContinuousClock.now < deadline, "nobody answers at \(socketPath): \(error); \(log)")
                // Leaves the processor to the daemon until the next try.
                poll(nil, 0, 5)
            }
        }
    }

    /// Runs shmctl against this daemon.
    func shmctl(_ arguments: [String], input: [UInt8] = []) throws -> BuiltProgram.Outcome {
        try BuiltProgram("shmctl").run(arguments, input: input, environment: ["SHAREDMEM_SOCKET": socketPath])
    }

    /// Runs shmctl against this daemon.
    func shmctl(_ arguments: String..., input: [UInt8] = []) throws -> BuiltProgram.Outcome {
        try shmctl(arguments, input: input)
    }

    /// Runs shmctl and requires that it succeeds without a word.
    @discardableResult
    func shmctlSucceeds(
        _ arguments: String..., input: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> BuiltProgram.Outcome {
        let outcome = try shmctl(arguments, input: input)
        try #require(outcome.status == 0, "\(arguments): \(outcome.words)", sourceLocation: sourceLocation)
        return outcome
    }

    /// Runs a line of shell script in which `$SHMCTL` is the program, as `uid` if one is given.
    func shell(_ script: String, uid: UInt32? = nil) throws -> BuiltProgram.Outcome {
        let environment = ["SHAREDMEM_SOCKET": socketPath, "SHMCTL": try BuiltProgram("shmctl").path, "T": folder.path]
        let shell = try BuiltProgram(system: uid == nil ? "/bin/sh" : "/usr/bin/setpriv")
        let user = uid.map { ["--reuid=\($0)", "--regid=\($0)", "--clear-groups", "/bin/sh"] } ?? []
        return try shell.run(user + ["-c", script], environment: environment)
    }
}
