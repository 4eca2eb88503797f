internal import CSystemd
internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

/// A server that does what clients tell it: one command a connection, one line of answer.
final class Server {
    /// The listening socket.
    private let socket: UnixSocket
    /// What was kept, as `NAME=CONTENT`, in the order in which it was passed.
    private var kept: [String] = []
    /// The descriptors that were stored last, to store them again.
    private var stored: [String: HeldDescriptor] = [:]
    /// SIGHUP and SIGTERM.
    private let signals: SignalFile
    /// How often SIGHUP came.
    private var reloadCount = 0
    /// Whether it still says that it is alive.
    private var isAlive = true
    /// The time between two signs of life in milliseconds; -1: none are wanted.
    private var heartbeat: Int32 = -1

    /// Takes what the keeper passes.
    init() throws(DaemonError) {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count > 0, let names = unsafe names, let first = unsafe names[0],
            unsafe String(cString: first) == "control"
        else { throw DaemonError(.usage, "expected a listening socket named control") }
        socket = UnixSocket(adopting: FileDescriptor(owning: SD_LISTEN_FDS_START))
        var microseconds: UInt64 = 0
        if unsafe sd_watchdog_enabled(0, &microseconds) > 0 { heartbeat = Int32(microseconds / 4000) }
        do throws(Errno) {
            signals = try SignalFile([SIGHUP, SIGTERM])
            for index in 1..<Int(count) {
                guard let name = unsafe names[index] else { continue }
                let held = HeldDescriptor(FileDescriptor(owning: SD_LISTEN_FDS_START + CInt(index)))
                let content = String(decoding: try Self.content(of: held), as: UTF8.self)
                kept.append("\(unsafe String(cString: name))=\(content)")
            }
        } catch {
            throw DaemonError(.system, "\(error)")
        }
    }

    /// Serves until SIGTERM comes.
    func run() throws(DaemonError) {
        do throws(Errno) {
            try Self.notify("READY=1")
            while true {
                var ready = [
                    pollfd(fd: socket.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
                ]
                _ = unsafe poll(&ready, 2, heartbeat)
                while let signal = try signals.next() {
                    if signal == SIGTERM { return }
                    reloadCount += 1
                }
                if heartbeat >= 0, isAlive { try Self.notify("WATCHDOG=1") }
                if let client = try socket.accept() { try serve(client) }
            }
        } catch {
            throw DaemonError(.system, "\(error)")
        }
    }

    /// Answers one client; one that is gone is no failure.
    private func serve(_ client: consuming UnixSocket) throws(Errno) {
        try client.setNonBlocking(false)
        try client.setReceiveTimeout(milliseconds: 60_000)
        var buffer = [UInt8](repeating: 0, count: 8192)
        do throws(Errno) {
            let byteCount = try client.receive(into: &buffer).byteCount
            guard byteCount > 0 else { return }
            let words = String(decoding: buffer[..<byteCount], as: UTF8.self).split(separator: " ", maxSplits: 2)
            try client.send(Array(answer(to: words.map(String.init)).utf8))
        } catch {
            guard error == .brokenPipe || error == .connectionReset else { throw error }
        }
    }

    /// Carries out one command.
    private func answer(to words: [String]) throws(Errno) -> String {
        switch words[0] {
        case "pid": return "\(getpid())"
        case "kept": return kept.isEmpty ? "nothing" : kept.joined(separator: " ")
        case "variable": return ThisProcess.environmentValue(of: words[1]) ?? "unset"
        case "reloads": return "\(reloadCount)"
        case "store":
            do throws(DaemonError) {
                stored[words[1]] = try Self.store(words[1], words[2])
            } catch {
                return error.description
            }
        case "again":
            guard let held = stored[words[1]] else { return "it isn't stored" }
            try Self.notify("FDSTORE=1\nFDNAME=\(words[1])", held)
        case "remove": try Self.notify("FDSTOREREMOVE=1\nFDNAME=\(words[1])")
        case "notify": try Self.notify(words[1])
        case "barrier": return try barrier()
        case "silence": isAlive = false
        case "exit": exit(Int32(words[1]) ?? 1)
        default: return "unknown"
        }
        return "done"
    }

    /// Sends a barrier and waits for the keeper to close it, for 60 s.
    private func barrier() throws(Errno) -> String {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        let reading = FileDescriptor(owning: ends[0])
        try Self.notify("BARRIER=1", HeldDescriptor(FileDescriptor(owning: ends[1])))
        var ready = pollfd(fd: reading.rawValue, events: 0, revents: 0)
        return unsafe poll(&ready, 1, 60_000) == 1 && ready.revents & Int16(POLLHUP) != 0 ? "passed" : "not passed"
    }

    // MARK: What the keeper is told

    /// Makes a memory file with a content and has it kept.
    @discardableResult
    static func store(_ name: String, _ content: String) throws(DaemonError) -> HeldDescriptor {
        do throws(Errno) {
            let file = try MemoryFile.create(label: "kept")
            try file.descriptor.writeAll(Array(content.utf8))
            let held = HeldDescriptor(file.takeDescriptor())
            try notify("FDSTORE=1\nFDNAME=\(name)", held)
            return held
        } catch {
            throw DaemonError(.system, "\(error)")
        }
    }

    /// Sends one datagram.
    private static func notify(_ state: String, _ held: HeldDescriptor? = nil) throws(Errno) {
        var descriptors = held.map { [$0.descriptor.rawValue] } ?? []
        let result = unsafe sd_pid_notify_with_fds(0, 0, state, &descriptors, UInt32(descriptors.count))
        guard result > 0 else { throw Errno(rawValue: result == 0 ? ENOTCONN : -result) }
    }

    /// Reads a file from its beginning.
    private static func content(of held: HeldDescriptor) throws(Errno) -> [UInt8] {
        guard lseek(held.descriptor.rawValue, 0, SEEK_SET) == 0 else { throw Errno(rawValue: errno) }
        return try held.descriptor.readToEnd(atMost: 4096)
    }
}
