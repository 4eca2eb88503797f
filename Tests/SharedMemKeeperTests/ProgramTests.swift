import Foundation
import LinuxIPC
import Testing

/// The daemon's own program, with and without its keeper.
@Suite struct ProgramTests {
    /// A run of sharedmemd in a folder of its own.
    private final class Run {
        let folder: String
        let process = Process()
        private let ended = DispatchSemaphore(value: 0)

        var socketPath: String { folder + "/run/control.sock" }
        var pid: Int32 { process.processIdentifier }
        var log: String { get throws { try String(contentsOfFile: folder + "/log", encoding: .utf8) } }

        init(_ options: [String] = [], environment: [String: String] = [:], configuration: String = "") throws {
            folder = NSTemporaryDirectory() + "/sharedmem-keeper-\(UUID().uuidString.prefix(8))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(configuration.utf8).write(to: URL(filePath: folder + "/c.yaml"))
            try Data().write(to: URL(filePath: folder + "/log"))
            process.executableURL = URL(filePath: try RunningKeeper.program("sharedmemd"))
            process.arguments =
                ["--config", folder + "/c.yaml", "--socket", socketPath, "--state-directory", folder + "/state"]
                + options
            process.environment = environment
            process.standardError = try FileHandle(forWritingTo: URL(filePath: folder + "/log"))
            process.standardInput = FileHandle.nullDevice
            process.terminationHandler = { [ended] _ in ended.signal() }
            try process.run()
        }

        deinit {
            if process.isRunning {
                kill(pid, SIGKILL)
                ended.wait()
            }
            try? FileManager.default.removeItem(atPath: folder)
        }

        /// Waits until the daemon has said `count` times that it serves.
        func waitUntilServing(_ count: Int = 1) throws {
            try waitUntil("the daemon serves") {
                try self.log.components(separatedBy: "serving at").count > count || !self.process.isRunning
            }
            let said = try log
            try #require(process.isRunning, "\(said)")
        }

        /// The pids of this process's children.
        func children() throws -> [Int32] {
            let path = "/proc/\(pid)/task/\(pid)/children"
            return try String(contentsOfFile: path, encoding: .utf8).split(separator: " ").compactMap { Int32($0) }
        }

        /// Waits for the end and returns the exit code.
        func end(_ signal: Int32? = nil) throws -> Int32 {
            if let signal { kill(pid, signal) }
            try #require(ended.wait(timeout: .now() + 60) == .success, "the daemon didn't end in 60 s")
            return process.terminationStatus
        }
    }

    @Test(arguments: [[], ["--keeper"]])
    func daemonIsItsOwnKeeperAndComesBackAfterKill(options: [String]) throws {
        let run = try Run(options)
        try run.waitUntilServing()
        let server = try #require(try run.children().first)
        #expect(try run.children().count == 1)
        #expect(try RunningKeeper.status(of: server, "Name") == "sharedmemd")
        kill(server, SIGKILL)
        // Connections wait for the next server meanwhile.
        _ = try UnixSocket.connecting(to: run.socketPath)
        try run.waitUntilServing(2)
        let next = try run.children()
        #expect(next.count == 1 && next != [server])
        #expect(try run.end(SIGTERM) == 0)
        #expect(kill(next[0], 0) != 0)
        #expect(!FileManager.default.fileExists(atPath: run.socketPath))
        #expect(!FileManager.default.fileExists(atPath: run.socketPath + ".notify"))
    }

    @Test(
        arguments: [
            (["--no-keeper"], [:]), ([], ["NOTIFY_SOCKET": "/nonexistent"]), ([], ["LISTEN_PID": "1"]),
        ] as [([String], [String: String])])
    func daemonWithoutAKeeperIsOneProcess(options: [String], environment: [String: String]) throws {
        let run = try Run(options, environment: environment)
        try run.waitUntilServing()
        #expect(try run.children().isEmpty)
        #expect(try run.end(SIGTERM) == 0)
    }

    @Test func statusSaysAgainstWhomReadOnlyIsNotEnforced() throws {
        let run = try Run(["--no-keeper"])
        try run.waitUntilServing()
        #expect(
            try run.log.contains(
                "; read-only isn't enforced against uid \(geteuid()), the daemon's own; nothing survives"))
    }

    @Test func wrongConfigurationEndsTheKeeper() throws {
        let run = try Run(configuration: "nonsense: 1")
        #expect(try run.end() == 78)
    }

    @Test func fileBesideTheSocketIsNotReplaced() throws {
        let folder = NSTemporaryDirectory() + "/sharedmem-keeper-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("precious".utf8).write(to: URL(filePath: folder + "/s.notify"))
        let run = try Run(["--keeper", "--socket", folder + "/s"])
        #expect(try run.end() == 71)
        #expect(try run.log.contains("can't be made: File exists (EEXIST)"))
        #expect(try String(contentsOfFile: folder + "/s.notify", encoding: .utf8) == "precious")
        #expect(!FileManager.default.fileExists(atPath: folder + "/s"))
    }

    @Test func keeperThatIsReplacedUnderAWrongConfigurationGoesOnUntilItIsRight() throws {
        let run = try Run()
        try run.waitUntilServing()
        let file = URL(filePath: run.folder + "/c.yaml")
        try Data("nonsense: 1".utf8).write(to: file)
        kill(run.pid, SIGUSR2)
        try waitUntil("the server refuses it") { try run.log.contains("ended with exit code 78; it is started again") }
        #expect(try run.log.contains("; the keeper goes on"))
        _ = try UnixSocket.connecting(to: run.socketPath)
        try Data().write(to: file)
        try run.waitUntilServing(2)
        #expect(try run.end(SIGTERM) == 0)
        #expect(!FileManager.default.fileExists(atPath: run.socketPath))
    }

    @Test func reloadReachesTheServer() throws {
        let run = try Run()
        try run.waitUntilServing()
        try Data("segments: {second: {size: 64KiB}}".utf8).write(to: URL(filePath: run.folder + "/c.yaml"))
        kill(run.pid, SIGHUP)
        try waitUntil("the configuration counts") { try run.log.contains("segment second is made") }
        #expect(try run.end(SIGTERM) == 0)
    }

    @Test func watchdogIsANumberOfSeconds() throws {
        let run = try Run(["--watchdog", "4000"])
        #expect(try run.end() == 64)
        #expect(
            try run.log
                == "<3>The value '4000' is invalid for '--watchdog <seconds>': expected 0 to 3600; see sharedmemd "
                + "--help\n")
    }

    @Test func pathThatIsTooLongForTheKeeperIsExplained() throws {
        let path = "/tmp/" + String(repeating: "s", count: 100)
        let run = try Run(["--keeper", "--socket", path])
        #expect(try run.end() == 69)
        #expect(try run.log.hasSuffix("has 105 bytes: \(path); expected at most 100 under the keeper\n"))
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
