internal import Glibc
package import LinuxIPC

/// The socket that clients connect to.
package struct Listener: ~Copyable {
    /// The socket; accepting doesn't wait.
    let socket: UnixSocket
    /// The path that this process made, and what the file was then; nil: the service manager owns it.
    private let made: (path: String, device: UInt64, inode: UInt64)?

    /// Where it is, for the log.
    let place: String

    /// The path that this process made, or took over; nil: the service manager owns it.
    package var path: String? { made?.path }

    /// Connections that wait to be accepted, at most (the kernel caps it at net.core.somaxconn).
    private static let backlog: Int32 = 4096

    /// Takes a socket from the service manager, or with `ownsPath` from a process that has made its path and leaves
    /// it to this one.
    package init(adopting socket: consuming UnixSocket, ownsPath: Bool = false) throws(DaemonError) {
        let path: String?
        do throws(Errno) {
            try socket.setNonBlocking(true)
            path = try socket.path()
        } catch {
            throw DaemonError(.system, "the service manager's socket can't be used: \(error)")
        }
        self.socket = socket
        place = path ?? "a socket without a path"
        guard ownsPath else {
            made = nil
            return
        }
        made = path.flatMap { path in Self.identity(of: path).map { (path, $0.device, $0.inode) } }
    }

    /// Listens at `path`, makes its folder if only that is missing, and replaces a socket whose daemon is gone.
    package init(path: String) throws(DaemonError) {
        do throws(Errno) {
            try Self.makeFolder(of: path)
            socket = try Self.listen(at: path)
        } catch {
            throw Self.explain(error, path: path)
        }
        place = path
        made = Self.identity(of: path).map { (path, $0.device, $0.inode) }
    }

    /// Watches the socket for connections.
    func watched(by loop: borrowing EventLoop) throws(Errno) -> EventLoop.Source {
        try loop.watch(socket.descriptor, as: .listener)
    }

    /// Makes another descriptor of the socket, for the process that is to accept: `fcntl(2)`.
    package borrowing func duplicatedSocket() throws(Errno) -> FileDescriptor { try socket.descriptor.duplicated() }

    /// Removes the path if this process made it and nobody has replaced it since: `unlink(2)`.
    package consuming func close() throws(Errno) {
        guard let made, let now = Self.identity(of: made.path), now == (made.device, made.inode) else { return }
        guard unsafe unlink(made.path) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Listens without waiting.
    private static func listen(at path: String) throws(Errno) -> UnixSocket {
        let socket = try UnixSocket.listening(at: path, mode: 0o666, backlog: backlog)
        try socket.setNonBlocking(true)
        return socket
    }

    /// Makes the folder that the socket is to be in, for everybody to enter, unless it exists: `mkdir(2)`.
    private static func makeFolder(of path: String) throws(Errno) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return }
        let folder = String(path[..<slash])
        if unsafe mkdir(folder, 0o755) == 0 {
            // The daemon's umask isn't the clients' business.
            guard unsafe chmod(folder, 0o755) == 0 else { throw Errno(rawValue: errno) }
        } else if errno != EEXIST {
            throw Errno(rawValue: errno)
        }
    }

    /// What the file at `path` is, nil if there's none: `lstat(2)`.
    private static func identity(of path: String) -> (device: UInt64, inode: UInt64)? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// Says why nobody can connect at `path`.
    private static func explain(_ error: Errno, path: String) -> DaemonError {
        switch error {
        case .addressInUse:
            DaemonError(.unavailable, "another daemon\(owner(of: path)) listens at \(path); expected one daemon a path")
        case .fileExists:
            DaemonError(.unavailable, "\(path) exists and isn't a socket; expected a free path")
        case .fileNameTooLong:
            DaemonError(
                .unavailable, "the socket's path has \(path.utf8.count) bytes: \(path); expected at most 107")
        default: DaemonError(.system, "can't listen at \(path): \(error)")
        }
    }

    /// Asks the kernel who listens at `path`, in words for the middle of a sentence.
    private static func owner(of path: String) -> String {
        do throws(Errno) {
            let peer = try UnixSocket.connecting(to: path, milliseconds: 1000).peerIdentity()
            return " (pid \(peer.pid), uid \(peer.uid))"
        } catch {
            // Who it is only helps; that there is one is known.
            return ""
        }
    }
}
