internal import CLinuxIPC

extension UnixSocket {
    /// Listens at `path` with the permission bits `mode`; `bind(2)`, `listen(2)`.
    ///
    /// A socket file whose owner is gone is replaced; a living one is `addressInUse`, any other file `fileExists`. Two
    /// processes that try at once are kept apart by a lock on `PATH.lock`, a file that stays.
    package static func listening(at path: String, mode: UInt32, backlog: Int32) throws(Errno) -> UnixSocket {
        try checkPath(path)
        let lock = try lock(path + ".lock")
        try removeStale(path)
        let socket = try UnixSocket(adopting: FileDescriptor(owning: retryingWhenInterrupted { linuxipc_socket() }))
        let raw = socket.descriptor.rawValue
        try retryingWhenInterrupted { unsafe linuxipc_bind(raw, path) }
        do throws(Errno) {
            // Nobody can connect before listen(2), so nobody does so with the mode that the umask left.
            try retryingWhenInterrupted { unsafe chmod(path, mode) }
            try retryingWhenInterrupted { listen(raw, backlog) }
        } catch {
            _ = unsafe unlink(path)
            throw error
        }
        _ = consume lock
        return socket
    }

    /// Asks for the path that the socket is bound to, nil if it has none; `getsockname(2)`.
    package borrowing func path() throws(Errno) -> String? {
        let raw = descriptor.rawValue
        var path = [CChar](repeating: 0, count: LINUXIPC_SOCKET_PATH_MAX + 1)
        try retryingWhenInterrupted { unsafe linuxipc_socket_path(raw, &path) }
        guard path[0] != 0 else { return nil }
        return String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Waits for the only lock on the file at `path`, which closing the descriptor gives back; `flock(2)`.
    private static func lock(_ path: String) throws(Errno) -> FileDescriptor {
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW
        let lock = FileDescriptor(owning: try retryingWhenInterrupted { unsafe linuxipc_open(path, flags, 0o600) })
        let raw = lock.rawValue
        try retryingWhenInterrupted { flock(raw, LOCK_EX) }
        return lock
    }

    /// Removes a socket file that nobody listens at, and throws if anything else has that name.
    private static func removeStale(_ path: String) throws(Errno) {
        var status = linuxipc_status()
        do throws(Errno) {
            try retryingWhenInterrupted { unsafe linuxipc_status_at(AT_FDCWD, path, &status) }
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
            return
        }
        guard FileStatus(status).kind == .socket else { throw .fileExists }
        let probe = try UnixSocket(adopting: FileDescriptor(owning: retryingWhenInterrupted { linuxipc_socket() }))
        let raw = probe.descriptor.rawValue
        try probe.setNonBlocking(true)
        do throws(Errno) {
            try retryingWhenInterrupted { unsafe linuxipc_connect(raw, path) }
            throw Errno.addressInUse
        } catch {
            switch error {
            case .connectionRefused: break
            // A queue that is full, or a socket of another type, belongs to somebody who lives.
            case .wouldBlock, .protocolWrongTypeForSocket: throw .addressInUse
            default: throw error
            }
        }
        try retryingWhenInterrupted { unsafe unlink(path) }
    }
}
