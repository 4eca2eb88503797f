internal import Glibc
internal import LinuxIPC
internal import TestSupport

/// A process that answers any message with two memory files: what an attach can't do without.
struct BareServer {
    private let path: String
    private let byteCount: Int
    private let process: ForkedProcess

    /// Listens at `path` with files of `byteCount` bytes.
    init(path: String, byteCount: Int) throws {
        self.path = path
        self.byteCount = byteCount
        let listener = try UnixSocket.listening(at: path, mode: 0o600, backlog: 16)
        let parent = getpid()
        process = try ForkedProcess {
            do throws(Errno) {
                try Self.serve(listener, byteCount, parent)
                return 0
            } catch {
                return 1
            }
        }
    }

    private static func serve(
        _ listener: borrowing UnixSocket, _ byteCount: Int, _ parent: pid_t
    ) throws(Errno) {
        let first = try MemoryFile.create(label: "bare-first")
        try first.reserve(byteCount: byteCount)
        let second = try MemoryFile.create(label: "bare-second")
        try second.reserve(byteCount: byteCount / 64)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while getppid() == parent {
            guard let socket = try listener.accept() else { continue }
            try socket.setNonBlocking(false)
            if try socket.receive(into: &buffer).byteCount > 0 {
                try socket.send(
                    [UInt8](repeating: 1, count: 88), with: first.descriptor, and: second.descriptor)
            }
        }
    }

    /// Connects, exchanges a message for two files, maps them and reads a word; what that took, in nanoseconds.
    func firstWord() throws -> UInt64 {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let start = SystemClock.monotonic()
        let socket = try UnixSocket.connecting(to: path)
        try socket.send([UInt8](repeating: 1, count: 168))
        var received = try socket.receive(into: &buffer)
        guard let first = received.first.take(), let second = received.second.take() else {
            throw Finding("the bare server sent no files")
        }
        let data = try Mapping(
            of: MemoryFile(adopting: first), byteCount: byteCount, access: .readWrite, isPrivateToProcess: true)
        let lock = try Mapping(
            of: MemoryFile(adopting: second), byteCount: byteCount / 64, access: .readWrite, isPrivateToProcess: true)
        let word = unsafe data.baseAddress.load(as: UInt64.self)
        let other = unsafe lock.baseAddress.load(as: UInt64.self)
        let end = SystemClock.monotonic()
        guard word == 0, other == 0 else { throw Finding("new memory isn't zero") }
        return end - start
    }

    /// Ends it.
    func end() {
        kill(process.identifier, SIGKILL)
        do {
            _ = try process.waitUntilEnd()
        } catch {
            print("the bare server couldn't be ended: \(error)")
        }
        for file in [path, path + ".lock"] { unsafe unlink(file) }
    }
}
