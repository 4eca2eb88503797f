internal import CLinuxIPC

/// Owns a unix socket that keeps the borders of messages and passes descriptors; `SOCK_SEQPACKET` in `unix(7)`.
package struct UnixSocket: ~Copyable, Sendable {
    /// The socket's descriptor.
    package private(set) var descriptor: FileDescriptor

    /// Takes over a socket that was received, inherited or accepted.
    package init(adopting descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Makes an unconnected socket, closed on exec; `socket(2)`.
    private init() throws(Errno) {
        self.descriptor = FileDescriptor(owning: try retryingWhenInterrupted { linuxipc_socket() })
    }

    /// Gives the descriptor to the caller.
    package consuming func takeDescriptor() -> FileDescriptor { descriptor }

    /// Makes two sockets that are connected to each other; `socketpair(2)`.
    package static func pair() throws(Errno) -> SocketPair {
        var first: CInt = -1
        var second: CInt = -1
        try retryingWhenInterrupted { unsafe linuxipc_socket_pair(&first, &second) }
        return SocketPair(
            first: UnixSocket(adopting: FileDescriptor(owning: first)),
            second: UnixSocket(adopting: FileDescriptor(owning: second)))
    }

    /// Connects to the socket at `path`, which is at most 107 bytes long; `connect(2)`.
    ///
    /// `milliseconds` limits the wait for a listener with a full queue, and each later send; 0: no limit.
    package static func connecting(to path: String, milliseconds: Int = 0) throws(Errno) -> UnixSocket {
        try checkPath(path)
        let socket = try UnixSocket()
        let raw = socket.descriptor.rawValue
        if milliseconds > 0 {
            try retryingWhenInterrupted { linuxipc_set_send_timeout(raw, Int64(milliseconds)) }
        }
        try socket.retryingInTime(.send) { unsafe linuxipc_connect(raw, path) }
        return socket
    }

    /// Connects to the socket at `path` and makes a socket whose calls never wait; `connect(2)`.
    ///
    /// Throws `wouldBlock` if the listener's queue is full. `milliseconds` limits each later send of a socket that is made
    /// to wait; 0: no limit.
    package static func connectingAtOnce(to path: String, milliseconds: Int = 0) throws(Errno) -> UnixSocket {
        try checkPath(path)
        let socket = try UnixSocket()
        try socket.setNonBlocking(true)
        let raw = socket.descriptor.rawValue
        if milliseconds > 0 {
            try retryingWhenInterrupted { linuxipc_set_send_timeout(raw, Int64(milliseconds)) }
        }
        try retryingWhenInterrupted { unsafe linuxipc_connect(raw, path) }
        return socket
    }

    /// Makes each forked child close its copy at once; `pthread_atfork(3)`.
    package mutating func closeInChildren() throws(Errno) { try descriptor.closeInChildren() }

    /// Takes the next waiting connection, non-blocking and closed on exec, or returns nil when nobody waits;
    /// `accept4(2)`.
    package borrowing func accept() throws(Errno) -> UnixSocket? {
        let raw = descriptor.rawValue
        do throws(Errno) {
            let accepted = try retryingInTime(.receive) { linuxipc_accept(raw) }
            return UnixSocket(adopting: FileDescriptor(owning: accepted))
        } catch {
            guard error == .wouldBlock else { throw error }
            return nil
        }
    }

    /// Makes calls return `wouldBlock` instead of waiting, or wait again; `fcntl(2)`.
    package borrowing func setNonBlocking(_ isNonBlocking: Bool) throws(Errno) {
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { linuxipc_set_nonblocking(raw, isNonBlocking ? 1 : 0) }
    }

    /// Limits each later receive, which then throws `wouldBlock`; 0: no limit; `SO_RCVTIMEO` in `socket(7)`.
    package borrowing func setReceiveTimeout(milliseconds: Int) throws(Errno) {
        let raw = descriptor.rawValue
        try retryingWhenInterrupted { linuxipc_set_receive_timeout(raw, Int64(milliseconds)) }
    }

    /// Throws unless the kernel would take the whole of `path` as a socket's address.
    static func checkPath(_ path: String) throws(Errno) {
        let bytes = path.utf8
        guard !bytes.isEmpty else { throw .noSuchFileOrDirectory }
        guard !bytes.contains(0) else { throw .invalidArgument }
        guard bytes.count <= LINUXIPC_SOCKET_PATH_MAX else { throw .fileNameTooLong }
    }
}

/// Is two sockets that are connected to each other.
package struct SocketPair: ~Copyable, Sendable {
    /// One end.
    package var first: UnixSocket
    /// The other end.
    package var second: UnixSocket
}
