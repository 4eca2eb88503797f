internal import LinuxIPC
internal import SharedMemProtocol

/// One connection to the daemon, greeted: requests in turn, each with its reply.
struct Connection: ~Copyable, Sendable {
    private let socket: UnixSocket
    private var buffer: [UInt8]
    private var lastRequestID: UInt32 = 1
    /// In which process it was made: a forked child makes its own.
    let forkCount: UInt32
    /// What this process puts into lock words.
    private(set) var sessionID: UInt32 = 0
    /// Whether the daemon knows `pin` and `unpin`.
    private var canPin = false
    /// Tells it from connections before and after it.
    let identity = Identity()

    /// Which connection something came over.
    final class Identity: Sendable {}

    /// How long a daemon may take to answer: long enough to allocate 256 GiB.
    private static var replyLimitMilliseconds: Int { 180_000 }

    /// Connects to the daemon at `path`.
    private init(path: String) throws(SharedMemError) {
        socket = try Self.connect(path)
        forkCount = ForkCounter.current
        buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount + 1)
    }

    private static func connect(_ path: String) throws(SharedMemError) -> UnixSocket {
        do throws(Errno) {
            let socket = try UnixSocket.connecting(to: path, milliseconds: replyLimitMilliseconds)
            try socket.setReceiveTimeout(milliseconds: replyLimitMilliseconds)
            return socket
        } catch {
            throw connectError(error, path)
        }
    }

    private static func connectError(_ error: Errno, _ path: String) -> SharedMemError {
        switch error {
        case .noSuchFileOrDirectory, .connectionRefused:
            SharedMemError(
                .notConnected, errno: Errno.notConnected.rawValue,
                "no daemon listens at " + path + ": start sharedmemd, or name its socket in SHAREDMEM_SOCKET")
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
}

// MARK: - Greeting

/// A greeted connection, and what its first attach gave.
struct Greeting: ~Copyable {
    private var connection: Connection
    /// nil: none was asked for.
    var attached: Attached?

    init(connection: consuming Connection, attached: consuming Attached?) {
        self.connection = connection
        self.attached = attached
    }

    /// Gives the connection to the caller.
    consuming func takeConnection() -> Connection { connection }
}

/// What an attach gave: the files, and which session they were given to.
struct Attached: ~Copyable {
    let attachment: SharedMemProtocol.Attachment
    let sessionID: UInt32
    /// Over which connection the daemon can be asked to pin it; nil: it doesn't know how.
    let pinningConnection: Connection.Identity?
    let data: MemoryFile
    var lock: MemoryFile?
}

extension Connection {
    /// Connects, says hello and attaches to a segment if one is named: one round trip for both.
    static func greeting(path: String, attach: Hello.Attach?) throws(SharedMemError) -> Greeting {
        var connection = try Connection(path: path)
        let hello = Hello(
            majors: 1...1, features: ProtocolLimits.features, program: ThisProcess.programName(), attach: attach)
        var answer = try connection.exchange(.hello(hello))
        guard case .hello(let welcome, let attachment) = answer.reply else {
            throw Self.unexpected("the greeting")
        }
        connection.sessionID = welcome.session
        connection.canPin = welcome.features & ProtocolLimits.pinsFeature != 0
        guard attach != nil else { return Greeting(connection: connection, attached: nil) }
        guard let attachment else {
            // The reason follows in a frame of its own.
            _ = try connection.receive()
            throw Self.unexpected("the greeting with an attach")
        }
        let attached = try connection.attached(attachment, &answer)
        return Greeting(connection: connection, attached: attached)
    }

    /// Attaches to a segment.
    mutating func attach(_ name: SegmentName, _ access: Access) throws(SharedMemError) -> Attached {
        var answer = try exchange(.attach(name, access))
        guard case .attached(let attachment) = answer.reply else { throw Self.unexpected("an attach") }
        return try attached(attachment, &answer)
    }

    private func attached(
        _ attachment: SharedMemProtocol.Attachment, _ answer: inout Answer
    ) throws(SharedMemError) -> Attached {
        guard let data = answer.received.first.take() else { throw Self.unexpected("an attach without a memory file") }
        var lock: MemoryFile?
        if let descriptor = answer.received.second.take() { lock = MemoryFile(adopting: descriptor) }
        guard (lock != nil) == (attachment.access == .readWrite) else {
            throw Self.unexpected("an attach with another access")
        }
        return Attached(
            attachment: attachment, sessionID: sessionID, pinningConnection: canPin ? identity : nil,
            data: MemoryFile(adopting: data), lock: lock)
    }
}

// MARK: - Requests

/// One reply and the descriptors that came with it.
struct Answer: ~Copyable {
    let reply: Reply
    var received: Received
}

extension Connection {
    /// Sends a request and waits for its reply; a refusal is thrown.
    mutating func exchange(_ request: Request) throws(SharedMemError) -> Answer {
        lastRequestID &+= 1
        do throws(Errno) {
            try socket.send(request.encoded(requestID: lastRequestID))
        } catch {
            throw Self.lost(error)
        }
        return try receive()
    }

    private mutating func receive() throws(SharedMemError) -> Answer {
        let received: Received
        do throws(Errno) {
            received = try socket.receive(into: &buffer)
        } catch {
            throw Self.lost(error)
        }
        guard received.byteCount > 0 else { throw Self.lost(.connectionReset) }
        guard !received.isTruncated, !received.isControlTruncated else { throw Self.unexpected("a frame") }
        let frame: ReplyFrame
        do throws(DecodingFailure) {
            frame = try Reply.decode([UInt8](buffer[..<received.byteCount]))
        } catch {
            throw Self.unexpected("a frame: " + error.description)
        }
        guard frame.requestID == lastRequestID else { throw Self.unexpected("the order of replies") }
        if case .failure(let failure) = frame.reply { throw SharedMemError(failure) }
        return Answer(reply: frame.reply, received: received)
    }

    private static func lost(_ error: Errno) -> SharedMemError {
        error == .wouldBlock
            ? SharedMemError(.notConnected, errno: Errno.timedOut.rawValue, "the daemon didn't answer in 180 s")
            : SharedMemError(
                .notConnected, errno: error.rawValue, "the daemon ended the connection: " + error.description)
    }

    static func unexpected(_ what: String) -> SharedMemError {
        SharedMemError(
            .versionSkew, errno: Errno.protocolError.rawValue, "the daemon answered unexpectedly: " + what)
    }
}
