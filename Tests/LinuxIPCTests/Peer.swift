import Glibc
import LinuxIPC
import Testing

/// Owns a process of `linuxipc-peer` and the socket to it; the process ends with this value.
struct Peer: ~Copyable {
    /// Says why a peer can't be used.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The process.
    let pid: pid_t

    /// This side of the connection.
    let socket: UnixSocket

    /// Starts a peer with the arguments of a role.
    init(_ arguments: String...) throws {
        let pair = try UnixSocket.pair()
        try pair.first.setReceiveTimeout(milliseconds: 60_000)
        let own = try pair.first.descriptor.duplicated()
        let pid = try Self.spawn(arguments, socket: pair.second.descriptor)
        self.pid = pid
        self.socket = UnixSocket(adopting: own)
    }

    deinit {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    /// Whether this process may start peers as other users.
    static var canChangeUser: Bool { geteuid() == 0 }

    /// Starts the program that was built beside the tests; `posix_spawn(3)`.
    private static func spawn(_ arguments: [String], socket: borrowing FileDescriptor) throws -> pid_t {
        let path = try Self.path()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, socket.rawValue, 3)
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([path] + arguments).map { unsafe strdup($0) }
        defer { unsafe words.forEach { unsafe free($0) } }
        unsafe words.append(nil)
        var pid: pid_t = 0
        let error = unsafe posix_spawn(&pid, path, &actions, nil, words, environ)
        guard error == 0 else { throw Errno(rawValue: error) }
        return pid
    }

    /// Finds the program: it lies in the folder of the test program.
    private static func path() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { throw Errno(rawValue: errno) }
        let own = String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        let path = (own.split(separator: "/", omittingEmptySubsequences: false).dropLast() + ["linuxipc-peer"])
            .joined(separator: "/")
        guard unsafe access(path, X_OK) == 0 else {
            throw Failure(description: "\(path) isn't there; build the product linuxipc-peer")
        }
        return path
    }
}

extension UnixSocket {
    /// Receives one message as text.
    borrowing func text() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let byteCount = try receive(into: &buffer).byteCount
        return String(decoding: buffer[..<byteCount], as: UTF8.self)
    }

    /// Receives one message with one memory file.
    borrowing func memoryFile() throws -> MemoryFile {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var message = try receive(into: &buffer)
        guard let descriptor = message.first.take() else {
            let text = String(decoding: buffer[..<message.byteCount], as: UTF8.self)
            throw Peer.Failure(description: "the peer sent no file but \(text)")
        }
        return MemoryFile(adopting: descriptor)
    }
}
