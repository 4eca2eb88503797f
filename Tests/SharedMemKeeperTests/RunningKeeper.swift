import Foundation
import LinuxIPC
import Testing

/// A keeper of a commanded server, in a process and a folder of its own; killed with this value.
final class RunningKeeper {
    /// The folder that holds the socket and the log.
    let folder: String
    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)

    var socketPath: String { folder + "/run/control.sock" }
    var notificationPath: String { socketPath + ".notify" }
    var pid: Int32 { process.processIdentifier }

    /// Starts the program of that name in this build, or a copy of it in the folder, and waits until the server answers
    /// or the keeper has ended.
    init(
        _ options: String..., isCopy: Bool = false, waits: Bool = true
    ) throws {
        folder = NSTemporaryDirectory() + "/sharedmem-keeper-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var program = try Self.program("sharedmem-keeper-peer")
        if isCopy {
            try FileManager.default.copyItem(atPath: program, toPath: folder + "/peer")
            program = folder + "/peer"
        }
        process.executableURL = URL(filePath: program)
        process.arguments = ["keeper", socketPath] + options
        try Data().write(to: URL(filePath: folder + "/log"))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: folder + "/log"))
        process.standardInput = FileHandle.nullDevice
        // The runtime would let a server that is aborted live until its backtrace is written.
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        guard waits else { return }
        try waitUntil("the keeper listens") { self.isListening || !self.process.isRunning }
        let said = try log
        try #require(process.isRunning, "\(said)")
        _ = try serverPID
    }

    deinit {
        if process.isRunning {
            kill(pid, SIGKILL)
            ended.wait()
        }
        // What a test leaves behind in the temporary folder does no harm.
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Where a program of this build is.
    static func program(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: tests).deletingLastPathComponent().appending(path: name).path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) isn't built")
        return path
    }

    /// Whether clients can connect: its path is there a moment earlier.
    private var isListening: Bool {
        do throws(Errno) {
            _ = try UnixSocket.connecting(to: socketPath, milliseconds: 60_000)
            return true
        } catch {
            return false
        }
    }

    /// What the keeper has logged.
    var log: String {
        get throws { try String(contentsOfFile: folder + "/log", encoding: .utf8) }
    }

    /// Asks the server for its pid; waits until there is one.
    var serverPID: Int32 {
        get throws { try #require(Int32(try ask("pid"))) }
    }

    /// Lets the server carry out a command, for 60 s at most.
    @discardableResult
    func ask(_ command: String) throws -> String {
        let client = try UnixSocket.connecting(to: socketPath, milliseconds: 60_000)
        try client.setReceiveTimeout(milliseconds: 60_000)
        try client.send(Array(command.utf8))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let byteCount = try client.receive(into: &buffer).byteCount
        return String(decoding: buffer[..<byteCount], as: UTF8.self)
    }

    /// Ends the server with a signal and returns the pid of the one that follows.
    @discardableResult
    func replaceServer(with signal: Int32 = SIGKILL) throws -> Int32 {
        let old = try serverPID
        kill(old, signal)
        try waitUntil("the server is gone") { kill(old, 0) != 0 }
        let new = try serverPID
        #expect(new != old)
        return new
    }

    /// Waits until the log has a line with this text.
    func waitForLog(_ text: String) throws {
        do {
            try waitUntil("the log says \(text)") { try self.log.contains(text) }
        } catch {
            Issue.record("the log is: \(try log)")
            throw error
        }
    }

    /// Waits until the keeper has ended and returns its exit code.
    func end() throws -> Int32 {
        let isEnded = ended.wait(timeout: .now() + 60) == .success
        let said = try log
        try #require(isEnded, "the keeper didn't end in 60 s: \(said)")
        return process.terminationStatus
    }

    /// Sends the keeper a signal.
    func signal(_ number: Int32) { kill(pid, number) }

    /// Reads a field of `/proc/PID/status`.
    static func status(of pid: Int32, _ field: String) throws -> String {
        let lines = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("\(field):") })
        return line.dropFirst(field.count + 1).trimmingCharacters(in: .whitespaces)
    }
}

/// Waits until `condition` holds, for at most 60 s.
func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "60 s passed until \(what)")
        // Leaves the processor to the others until the next look.
        poll(nil, 0, 5)
    }
}
