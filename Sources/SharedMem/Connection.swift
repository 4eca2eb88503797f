internal import LinuxIPC
internal import SharedMemProtocol

/// One connection to the daemon: frames out and in.
struct Connection: ~Copyable, Sendable {
    private let socket: UnixSocket
    private var buffer: [UInt8]
    /// Requests whose replies nobody waits for any more.
    private var forgottenCount = 0

    /// How long a daemon may take to answer: long enough to allocate 256 GiB.
    static var replyLimitMilliseconds: Int { 180_000 }

    private init(_ socket: consuming UnixSocket) {
        self.socket = socket
        buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount + 1)
    }

    /// Connects to the daemon at `path`, and waits while its queue is full.
    static func waiting(at path: String) throws(SharedMemError) -> Connection {
        do throws(Errno) {
            var socket = try UnixSocket.connecting(to: path, milliseconds: replyLimitMilliseconds)
            try socket.closeInChildren()
            try socket.setReceiveTimeout(milliseconds: replyLimitMilliseconds)
            return Connection(socket)
        } catch {
            throw connectError(error, path)
        }
    }

    /// Connects to the daemon at `path` if that is possible now; nothing is waited for until `setPatience()`.
    static func atOnce(at path: String) throws(SharedMemError) -> Connection {
        do throws(Errno) {
            var socket = try UnixSocket.connectingAtOnce(to: path, milliseconds: replyLimitMilliseconds)
            try socket.closeInChildren()
            return Connection(socket)
        } catch {
            throw connectError(error, path)
        }
    }

    /// Makes `receive` wait for `milliseconds`, or return at once with 0.
    func setPatience(milliseconds: Int = replyLimitMilliseconds) throws(SharedMemError) {
        do throws(Errno) {
            try socket.setNonBlocking(milliseconds == 0)
            if milliseconds > 0 { try socket.setReceiveTimeout(milliseconds: milliseconds) }
        } catch {
            throw SharedMemError(error, "setting a connection's time-out")
        }
    }

    /// Sends a request.
    func send(_ request: Request, _ requestID: UInt32) throws(SharedMemError) {
        do throws(Errno) {
            try socket.send(request.encoded(requestID: requestID))
        } catch {
            throw Self.lost(error)
        }
    }

    /// Waits for the reply to a request; nil: it's not there in time.
    mutating func receive(_ requestID: UInt32) throws(SharedMemError) -> Answer? {
        while true {
            let received: Received
            do throws(Errno) {
                received = try socket.receive(into: &buffer)
            } catch {
                if error == .wouldBlock { return nil }
                throw Self.lost(error)
            }
            guard received.byteCount > 0 else { throw Self.lost(.connectionReset) }
            // The kernel leaves out descriptors for which this process has no room.
            if received.isControlTruncated { throw SharedMemError(.tooManyOpenFiles, "receiving a segment's files") }
            guard !received.isTruncated else { throw Self.unexpected("a frame") }
            let frame: ReplyFrame
            do throws(DecodingFailure) {
                frame = try Reply.decode([UInt8](buffer[..<received.byteCount]))
            } catch {
                throw Self.unexpected("a frame: " + error.description)
            }
            if frame.requestID == requestID { return Answer(reply: frame.reply, received: received) }
            guard forgottenCount > 0 else { throw Self.unexpected("the order of replies") }
            forgottenCount -= 1
        }
    }

    /// Sends a request and waits for its reply for so long; nil: it's not there in time, and not waited for any more.
    mutating func exchange(
        _ request: Request, _ requestID: UInt32, milliseconds: Int
    ) throws(SharedMemError) -> Answer? {
        try send(request, requestID)
        try setPatience(milliseconds: milliseconds)
        let answer = try receive(requestID)
        try setPatience()
        if let answer { return answer }
        forgottenCount += 1
        return nil
    }

    /// Sends a request whose reply nobody waits for, unless there are many of them unread.
    mutating func post(_ request: Request, _ requestID: UInt32) throws(SharedMemError) {
        if forgottenCount >= Self.unreadLimit {
            _ = try exchange(request, requestID, milliseconds: 1000)
        } else {
            try send(request, requestID)
            forgottenCount += 1
        }
    }

    /// Replies that may wait to be read: few enough for any socket's buffer.
    private static var unreadLimit: Int { 16 }

    /// Sends a request and waits for its reply, which may be a refusal.
    mutating func exchange(_ request: Request, _ requestID: UInt32) throws(SharedMemError) -> Answer {
        try send(request, requestID)
        guard let answer = try receive(requestID) else { throw Self.silent }
        return answer
    }
}

/// One reply and the descriptors that came with it.
struct Answer: ~Copyable {
    let reply: Reply
    var received: Received

    /// Throws what the daemon refused.
    func check() throws(SharedMemError) {
        if case .failure(let failure) = reply { throw SharedMemError(failure) }
    }

    /// Takes the descriptor that came behind `count` others, as a memory file.
    mutating func takeFile(behind count: Int) -> MemoryFile? {
        let descriptor: FileDescriptor?
        switch count {
        case 0: descriptor = received.first.take()
        case 1: descriptor = received.second.take()
        default: descriptor = received.third.take()
        }
        guard let descriptor else { return nil }
        return MemoryFile(adopting: descriptor)
    }
}

// MARK: - What went wrong

extension Connection {
    private static func connectError(_ error: Errno, _ path: String) -> SharedMemError {
        switch error {
        case .noSuchFileOrDirectory, .connectionRefused:
            SharedMemError(
                .notConnected, errno: Errno.notConnected.rawValue,
                "no daemon listens at " + path + ": start sharedmemd, or name its socket in SHAREDMEM_SOCKET")
        case .wouldBlock:
            SharedMemError(
                .notConnected, errno: Errno.notConnected.rawValue,
                "the daemon at " + path + " takes no connections now: its queue is full")
        case .permissionDenied:
            SharedMemError(
                .notPermitted, errno: error.rawValue, "the socket " + path + " may not be used by this user")
        case .fileNameTooLong:
            SharedMemError(
                .invalidArgument, errno: error.rawValue,
                "the socket path " + path + " is too long: " + String(path.utf8.count) + " bytes, at most 107 work")
        case .protocolWrongTypeForSocket:
            SharedMemError(
                .notConnected, errno: error.rawValue, "what listens at " + path + " is not a sharedmemd")
        default: SharedMemError(error, "connecting to the daemon at " + path)
        }
    }

    /// A daemon that didn't answer in time.
    static var silent: SharedMemError {
        SharedMemError(.notConnected, errno: Errno.timedOut.rawValue, "the daemon didn't answer in 180 s")
    }

    private static func lost(_ error: Errno) -> SharedMemError {
        SharedMemError(
            .notConnected, errno: Errno.notConnected.rawValue,
            "the daemon ended the connection: " + error.description)
    }

    /// A reply that no daemon of this protocol sends.
    static func unexpected(_ what: @autoclosure () -> String) -> SharedMemError {
        SharedMemError(
            .versionSkew, errno: Errno.protocolNotSupported.rawValue, "the daemon answered unexpectedly: " + what())
    }
}
