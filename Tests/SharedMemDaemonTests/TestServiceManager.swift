import Foundation
import LinuxIPC
import Synchronization
import Testing

/// A service manager for one daemon: keeps what the daemon stores, passes it to the next one, and notes what it's told.
final class TestServiceManager: Sendable {
    let folder: TemporaryFolder
    /// How many descriptors are kept; nil: the daemon isn't told, and nothing is.
    let storeLimit: Int?
    private let state = Mutex(State())
    private let notifications: DatagramSocket
    private let control: HeldDescriptor

    private struct State {
        var entries: [(name: String, held: HeldDescriptor)] = []
        var told: [String] = []
        var barrierCount = 0
        /// What a barrier holds while they don't fall.
        var barriers: [HeldDescriptor] = []
        var areBarriersHeld = false
        var daemon: ChildProcess?
        var isOver = false
    }

    var socketPath: String { folder.path + "/control.sock" }

    init(storeLimit: Int? = 4096, configuration: String = "") throws {
        folder = try TemporaryFolder()
        self.storeLimit = storeLimit
        notifications = try DatagramSocket.bound(to: folder.path + "/notify.sock")
        control = HeldDescriptor(
            try UnixSocket.listening(at: folder.path + "/control.sock", mode: 0o666, backlog: 100).takeDescriptor())
        _ = try folder.write("c.yaml", configuration)
        _ = try folder.write("log", "")
        Thread.detachNewThread { [self] in listen() }
    }

    /// Ends the daemon and the thread.
    func end() {
        state.withLock { $0.isOver = true }
        do {
            try kill()
        } catch {
            Issue.record("the daemon can't be ended: \(error)")
        }
    }

    // MARK: The daemon's process

    /// The daemon's pid.
    var pid: Int32 {
        get throws { try #require(state.withLock { $0.daemon }).pid }
    }

    /// Starts a daemon with what is kept; `wrapper` is a command that runs it.
    func start(wrapper: [String] = [], waits: Bool = true) throws {
        let entries = state.withLock { state in
            state.told = []
            return state.entries
        }
        var environment = ["PATH=/usr/bin:/bin", "NOTIFY_SOCKET=\(folder.path)/notify.sock"]
        environment.append("LISTEN_FDS=\(1 + entries.count)")
        environment.append("LISTEN_FDNAMES=\((["control"] + entries.map(\.name)).joined(separator: ":"))")
        if let storeLimit { environment.append("FDSTORE=\(storeLimit)") }
        let program = try RunningDaemon.program
        let image = ProgramImage(
            path: "/bin/sh",
            arguments: ["sh", "-c", "exec \"$@\" 2>>'\(folder.path)/log' </dev/null >/dev/null", "sh"] + wrapper + [
                program, "--no-keeper", "--config", folder.path + "/c.yaml", "--state-directory",
                folder.path + "/state", "--log-level", "debug",
            ],
            environment: environment, processVariables: ["LISTEN_PID"],
            descriptors: [control] + entries.map(\.held))
        let daemon = try image.start(deathSignal: 0)
        state.withLock { $0.daemon = daemon }
        if waits {
            try waitUntil("the daemon is ready") {
                if self.told("READY=1") { return true }
                return try self.descriptorsOpen() == nil
            }
            let said = try log
            try #require(told("READY=1"), "\(said)")
        }
    }

    /// Sends a signal that ends the daemon, and says how it ended; nil: there is none.
    @discardableResult
    func kill(_ signal: Int32 = SIGKILL) throws -> ChildProcess.End? {
        guard let daemon = state.withLock({ $0.daemon }) else { return nil }
        try daemon.send(signal)
        return try reap()
    }

    /// Waits for the daemon's end, and says how it ended.
    @discardableResult
    func reap() throws -> ChildProcess.End? {
        guard let daemon = state.withLock({ $0.daemon }) else { return nil }
        let end = try daemon.reap()
        state.withLock { $0.daemon = nil }
        return end
    }

    /// How many descriptors the daemon holds; nil: it's dead.
    func descriptorsOpen() throws -> Int? {
        let text = try String(contentsOfFile: "/proc/\(try pid)/stat", encoding: .utf8)
        if text.contains(") Z ") { return nil }
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(try pid)/fd").count
    }

    /// What the daemons have logged.
    var log: String {
        get throws { try String(contentsOfFile: folder.path + "/log", encoding: .utf8) }
    }

    // MARK: What it's told

    /// The names of what is kept, in order.
    var names: [String] { state.withLock { $0.entries.map(\.name) } }

    /// How many barriers were asked for.
    var barrierCount: Int { state.withLock { $0.barrierCount } }

    /// Whether the last daemon has said this.
    func told(_ text: String) -> Bool { state.withLock { $0.told.contains { $0.contains(text) } } }

    /// Keeps barriers from falling, or lets them fall.
    func holdBarriers(_ areHeld: Bool) {
        state.withLock {
            $0.areBarriersHeld = areHeld
            if !areHeld { $0.barriers = [] }
        }
    }

    /// What is kept under a name.
    func held(_ name: String) throws -> HeldDescriptor {
        try #require(state.withLock { $0.entries.first { $0.name == name }?.held }, "\(name) isn't kept")
    }

    /// Keeps something of the test's.
    func keep(_ descriptor: consuming FileDescriptor, as name: String) {
        let held = HeldDescriptor(descriptor)
        state.withLock { $0.entries.append((name, held)) }
    }

    /// Gives up what is kept under a name.
    func giveUp(_ name: String) { state.withLock { $0.entries.removeAll { $0.name == name } } }

    /// Takes datagrams until the end.
    private func listen() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !state.withLock({ $0.isOver }) {
            var look = pollfd(fd: notifications.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&look, 1, 50)
            do throws(Errno) {
                while let datagram = try notifications.receive(into: &buffer) {
                    take(String(decoding: buffer[..<datagram.byteCount], as: UTF8.self), datagram)
                }
            } catch {
                Issue.record("no datagram can be taken: \(error)")
                return
            }
        }
    }

    /// Does what a datagram asks for.
    private func take(_ text: String, _ datagram: Datagram) {
        let lines = text.split(separator: "\n").map(String.init)
        let name = lines.first { $0.hasPrefix("FDNAME=") }?.dropFirst(7)
        state.withLock { state in
            state.told.append(text)
            if lines.contains("BARRIER=1") {
                state.barrierCount += 1
                if state.areBarriersHeld { state.barriers += datagram.descriptors }
            }
            if let name, lines.contains("FDSTORE=1") {
                state.entries += datagram.descriptors.map { (String(name), $0) }
            }
            if let name, lines.contains("FDSTOREREMOVE=1") { state.entries.removeAll { $0.name == name } }
        }
    }
}
