internal import LinuxIPC
internal import SharedMemProtocol

/// One attached process as the daemon knows it: a connection through which segments are made, found and attached.
///
/// A session may be used by many threads at once; requests of one session are answered in turn. It connects when it's
/// needed, and again after the daemon has ended the connection or the process has forked.
public final class Session: Sendable {
    /// Where the daemon listens.
    let socketPath: String

    /// nil: not connected.
    private let connection = ForkSafeMutex<Connection?>(nil)

    /// Where the daemon listens if nobody says otherwise.
    public static var defaultSocketPath: String { "/run/sharedmemd/control.sock" }

    /// Connects to the daemon at `socketPath`.
    ///
    /// nil: the environment's `SHAREDMEM_SOCKET`, or else `defaultSocketPath`. Throws `notConnected` if nobody listens.
    public convenience init(socketPath: String? = nil) throws(SharedMemError) {
        self.init(unconnected: socketPath)
        try request { (connection) throws(SharedMemError) in _ = connection.sessionID }
    }

    /// Connects at the first request, which may then travel with the greeting.
    init(unconnected socketPath: String?) {
        self.socketPath =
            socketPath ?? ThisProcess.environmentValue(of: "SHAREDMEM_SOCKET") ?? Self.defaultSocketPath
    }

    /// Runs `body` with the connection, made if there is none; a lost one is not kept.
    ///
    /// `isRepeatable`: a request that may be sent again if the connection was lost since the last one.
    private func request<Result>(
        isRepeatable: Bool = true, _ body: (inout Connection) throws(SharedMemError) -> Result
    ) throws(SharedMemError) -> Result {
        try connection.withLock { (held) throws(SharedMemError) in
            if let result = try Self.repeated(&held, isRepeatable: isRepeatable, body) { return result }
            held = try Connection.greeting(path: socketPath, attach: nil).takeConnection()
            return try Self.kept(&held, body)
        }
    }

    /// Runs `body` with the connection that is there; nil: there is none, or none any more.
    private static func repeated<Result: ~Copyable>(
        _ held: inout Connection?, isRepeatable: Bool, _ body: (inout Connection) throws(SharedMemError) -> Result
    ) throws(SharedMemError) -> Result? {
        guard var current = held.take(), current.forkCount == ForkCounter.current else { return nil }
        do throws(SharedMemError) {
            let result = try body(&current)
            held = consume current
            return result
        } catch {
            if error.code == .notConnected, isRepeatable { return nil }
            if error.keepsConnection { held = consume current }
            throw error
        }
    }

    /// Runs `body` with the connection that was just made.
    private static func kept<Result>(
        _ held: inout Connection?, _ body: (inout Connection) throws(SharedMemError) -> Result
    ) throws(SharedMemError) -> Result {
        guard let result = try repeated(&held, isRepeatable: false, body) else {
            throw SharedMemError(.notConnected, "the process was forked while it connected")
        }
        return result
    }
}

// MARK: - Attaching

extension Session {
    /// Attaches to a segment of the daemon; the name is `name` in errors.
    ///
    /// Read-write access needs the segment's r and w permission, read-only access its r. Costs one round trip to the
    /// daemon and two mappings; blocks while the segment's memory is still being made.
    public func open(
        _ segment: String, access: Segment.Access = .readWrite
    ) throws(SharedMemError) -> Segment {
        try Segment(name: segment, access: access, session: self)
    }

    /// Asks for the segment's files, together with the greeting if nobody has greeted yet.
    func attach(_ name: SegmentName, _ access: SharedMemProtocol.Access) throws(SharedMemError) -> Attached {
        try connection.withLock { (held) throws(SharedMemError) in
            let attached = try Self.repeated(&held, isRepeatable: true) { (connection) throws(SharedMemError) in
                try connection.attach(name, access)
            }
            if let attached { return attached }
            var greeting = try Connection.greeting(
                path: socketPath, attach: Hello.Attach(segment: name, access: access))
            guard let first = greeting.attached.take() else {
                throw SharedMemError(.versionSkew, "the daemon greeted without the attach that was asked for")
            }
            held = greeting.takeConnection()
            return first
        }
    }
}

// MARK: - Pins

extension Session {
    /// Pins a segment that was attached over `connection`, or unpins it; false: the daemon refused, or it's lost.
    ///
    /// A connection that was made since belongs to a session that has no pin and may not be attached.
    func ask(_ request: Request, over connection: Connection.Identity) -> Bool {
        self.connection.withLock { held in
            guard held?.identity === connection else { return false }
            do throws(SharedMemError) {
                let reply = try Self.repeated(&held, isRepeatable: true) { (connection) throws(SharedMemError) in
                    try connection.exchange(request).reply
                }
                return reply == .pinned || reply == .unpinned
            } catch {
                // The caller goes on without a pin; one that isn't given back goes with the connection.
                return false
            }
        }
    }
}

// MARK: - Segments by name

extension Session {
    /// Makes a segment; doesn't attach to it.
    ///
    /// All its memory is reserved before this returns (0.6 s for each GiB were measured). Throws `exists`,
    /// `notPermitted`, `full` or `invalidArgument`.
    public func create(_ segment: String, options: SegmentOptions) throws(SharedMemError) {
        let definition = SegmentDefinition(
            name: try Self.name(segment), byteCount: options.byteCount, entryCount: options.entryCount,
            mode: options.mode, owner: options.owner, group: options.group)
        try request(isRepeatable: false) { (connection) throws(SharedMemError) in
            _ = try connection.exchange(.create(definition))
        }
    }

    /// Removes a segment's name; those who are attached get `removed`, the memory goes with the last mapping.
    ///
    /// Only its owner and root may.
    public func remove(_ segment: String) throws(SharedMemError) {
        let name = try Self.name(segment)
        try request(isRepeatable: false) { (connection) throws(SharedMemError) in
            _ = try connection.exchange(.remove(name))
        }
    }

    /// Describes the segments that the caller may read, in the order of their names.
    public func segments() throws(SharedMemError) -> [SegmentInfo] {
        try request { (connection) throws(SharedMemError) in
            var infos: [SegmentInfo] = []
            var last: SegmentName?
            while true {
                let answer = try connection.exchange(.list(after: last))
                guard case .list(let page, let more) = answer.reply else {
                    throw Connection.unexpected("a list")
                }
                for description in page { infos.append(SegmentInfo(description)) }
                last = page.last?.name
                if !more || page.isEmpty { return infos }
            }
        }
    }

    /// Describes one segment, which the caller must be allowed to read.
    public func info(of segment: String) throws(SharedMemError) -> SegmentInfo {
        let name = try Self.name(segment)
        return try request { (connection) throws(SharedMemError) in
            let answer = try connection.exchange(.show(name))
            guard case .shown(let description) = answer.reply else { throw Connection.unexpected("a description") }
            return SegmentInfo(description)
        }
    }

    /// A name as the protocol has it.
    static func name(_ text: String) throws(SharedMemError) -> SegmentName {
        guard let name = SegmentName(text) else {
            throw SharedMemError(
                .invalidArgument, errno: Errno.invalidArgument.rawValue,
                "'" + text + "' can't be a segment's name: 1 to 64 of A-Z a-z 0-9 . _ - are, not starting with a dot")
        }
        return name
    }
}
