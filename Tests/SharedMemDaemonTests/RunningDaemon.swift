import Foundation
import LinuxIPC
import SharedMemProtocol
import Testing

/// A daemon in a process and a folder of its own; ended with this value.
final class RunningDaemon {
    let folder: TemporaryFolder
    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)

    var socketPath: String { folder.path + "/run/control.sock" }
    var pid: Int32 { process.processIdentifier }

    /// Starts a daemon and waits until it serves; in the folder of an earlier one if one is given.
    init(in folder: TemporaryFolder? = nil, descriptorLimit: Int? = nil, configuration: String = "") throws {
        self.folder = try folder ?? TemporaryFolder()
        let file = try self.folder.write("c.yaml", configuration)
        let arguments = [
            "--no-keeper", "--config", file, "--socket", socketPath, "--state-directory", self.folder.path + "/state",
        ]
        if let descriptorLimit {
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments =
                ["-c", "ulimit -n \(descriptorLimit) && exec \"$@\"", "sh", try Self.program] + arguments
        } else {
            process.executableURL = URL(filePath: try Self.program)
            process.arguments = arguments
        }
        let log = try self.folder.write("log", "")
        process.standardError = try FileHandle(forWritingTo: URL(filePath: log))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
        try waitUntil("the daemon serves") { try self.log.contains("serving at") || !self.process.isRunning }
        let said = try self.log
        try #require(process.isRunning, "\(said)")
    }

    deinit {
        if process.isRunning { kill(pid, SIGKILL) }
    }

    /// Where the program was built.
    static var program: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let path = URL(filePath: tests).deletingLastPathComponent().appending(path: "sharedmemd").path
            try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) isn't built")
            return path
        }
    }

    /// What the daemon has logged.
    var log: String {
        get throws { try String(contentsOfFile: folder.path + "/log", encoding: .utf8) }
    }

    /// How many descriptors the daemon holds.
    var descriptorCount: Int {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count }
    }

    /// Sends a signal.
    func signal(_ number: Int32) {
        kill(pid, number)
    }

    /// Sends a signal that ends the daemon and says how it ended.
    func end(_ number: Int32 = SIGTERM) throws -> Int32 {
        kill(pid, number)
        try #require(ended.wait(timeout: .now() + 60) == .success, "the daemon didn't end in 60 s")
        return process.terminationStatus
    }

    /// Begins a session and attaches to `default`, which a daemon that is well can answer.
    func serves() throws {
        let client = try Client(self)
        let name = try Sample.name("default")
        guard case .hello(_, let attachment?) = try client.greet(attach: .init(segment: name, access: .readOnly))
        else { throw Unexpected(what: "the daemon doesn't attach anybody to default") }
        #expect(attachment.access == .readOnly)
    }
}

/// What shouldn't have happened.
struct Unexpected: Error {
    let what: String
}

/// Waits until `condition` holds, for at most 60 s.
func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "60 s passed until \(what)")
        // Leaves the processor to the daemon until the next look.
        poll(nil, 0, 5)
    }
}

/// A client that can send anything.
final class Client {
    let socket: UnixSocket
    /// Counts upwards, as a session's requests do.
    private var lastRequestID: UInt32 = 0

    convenience init(_ daemon: RunningDaemon) throws { try self.init(path: daemon.socketPath) }

    init(path: String) throws {
        socket = try UnixSocket.connecting(to: path, milliseconds: 60_000)
        try socket.setReceiveTimeout(milliseconds: 60_000)
    }

    /// Sends any bytes.
    func send(_ bytes: [UInt8]) throws {
        try socket.send(bytes)
    }

    /// Sends a request and returns the reply.
    func ask(_ request: Request) throws -> Reply {
        lastRequestID += 1
        try socket.send(request.encoded(requestID: lastRequestID))
        return try reply()
    }

    /// Begins a session.
    @discardableResult
    func greet(attach: Hello.Attach? = nil) throws -> Reply {
        try ask(.hello(Hello(majors: 1...1, features: 0, program: Array("test".utf8), attach: attach)))
    }

    /// Waits for a reply.
    func reply() throws -> Reply {
        var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount)
        let received = try socket.receive(into: &buffer)
        guard received.byteCount > 0 else { throw Unexpected(what: "the daemon has hung up") }
        return try Reply.decode(Array(buffer[..<received.byteCount])).reply
    }

    /// Waits until the daemon ends the connection, whatever it sends before.
    func isHungUpOn() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount)
        do throws(Errno) {
            while try socket.receive(into: &buffer).byteCount > 0 {}
        } catch {
            return error == .connectionReset
        }
        return true
    }
}
