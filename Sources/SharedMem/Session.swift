internal import LinuxIPC
internal import SharedMemProtocol
internal import Synchronization

/// One attached process as the daemon knows it: a connection through which segments are made, found and attached.
///
/// A session may be used by many threads at once; requests of one session are answered in turn. It connects when it's
/// needed, and again after the process has forked. When the connection is lost, because the daemon is restarted for
/// instance, requests wait for the daemon as long as `graceTime`, take the session up again, and are done once, however
/// often they had to be sent.
public final class Session: Sendable {
    /// Where the daemon listens.
    let socketPath: String

    /// What this process has of the daemon.
    private let link: ForkSafeMutex<Link>
    /// What the daemon was asked to watch.
    let watches: WatchTable

    /// `graceTime` as it's used.
    private let grace = Atomic(GraceTime.standard.nanoseconds)

    /// How long requests wait for a daemon that was there and is gone; nil: for ever.
    ///
    /// 5 seconds by default, `.zero`: not at all. Segments that are opened from now on have it too.
    public var graceTime: Duration? {
        get { GraceTime(nanoseconds: grace.load(ordering: .relaxed)).duration }
        set { grace.store(GraceTime(newValue).nanoseconds, ordering: .relaxed) }
    }

    /// Where the daemon listens if nobody says otherwise.
    public static var defaultSocketPath: String { "/run/sharedmemd/control.sock" }

    /// Connects to the daemon at `socketPath`.
    ///
    /// nil: the environment's `SHAREDMEM_SOCKET`, or else `defaultSocketPath`. Throws `notConnected` if nobody listens,
    /// `invalidArgument` if the environment's isn't UTF-8.
    public convenience init(socketPath: String? = nil) throws(SharedMemError) {
        self.init(unconnected: try Self.path(socketPath))
        try link.withLock { (link) throws(SharedMemError) in _ = try link.greet(self.socketPath, attach: nil) }
    }

    /// Connects at the first request, which may then travel with the greeting.
    init(unconnected socketPath: String) {
        let watches = WatchTable()
        self.watches = watches
        link = ForkSafeMutex(Link(watches: watches))
        self.socketPath = socketPath
    }

    /// Where to connect: at `socketPath`, or else where the environment says, or else at `defaultSocketPath`.
    ///
    /// Throws `invalidArgument` if the environment's isn't UTF-8.
    static func path(_ socketPath: String?) throws(SharedMemError) -> String {
        if let socketPath { return socketPath }
        do throws(Errno) {
            return try ThisProcess.environmentPath(of: "SHAREDMEM_SOCKET") ?? defaultSocketPath
        } catch {
            throw SharedMemError(
                .invalidArgument, errno: error.rawValue,
                "the environment's SHAREDMEM_SOCKET is not UTF-8, as a socket's path has to be")
        }
    }
}

// MARK: - Requests

extension Session {
    /// How long a request that finds no connection waits for a greeting's answer in one go.
    static var answerMilliseconds: Int { 50 }

    /// The time between two looks for a daemon that is gone.
    private static var napNanoseconds: UInt64 { 5_000_000 }

    /// Sends a request and waits for its reply, and for the daemon if it's gone; a refusal is thrown.
    func exchange(_ request: Request) throws(SharedMemError) -> Answer {
        let answer = try insisting { (link, requestID) throws(SharedMemError) in
            try link.exchange(request, requestID)
        }
        try answer.check()
        return answer
    }

    /// Runs `body` with a connection, again with the same request id as long as it returns nil: the connection was lost.
    ///
    /// Gives up when the daemon is gone for longer than the grace time; at once if there never was one, or if the caller
    /// doesn't want to wait.
    private func insisting<Result: ~Copyable>(
        isWaiting: Bool = true, _ body: (inout Link, UInt32) throws(SharedMemError) -> Result?
    ) throws(SharedMemError) -> Result {
        var requestID: UInt32 = 0
        var start: UInt64?
        var reason = SharedMemError.daemonGone(socketPath)
        while true {
            var isFirst = false
            do throws(SharedMemError) {
                let result: Result? = try link.withLock { (link) throws(SharedMemError) in
                    isFirst = !link.hasBeenGreeted
                    guard try link.connect(to: socketPath, waitingMilliseconds: Self.answerMilliseconds) else {
                        return nil
                    }
                    if requestID == 0 { requestID = link.nextRequestID() }
                    return try body(&link, requestID)
                }
                switch consume result {
                case .some(let result): return result
                case .none: break
                }
            } catch {
                guard error.isAbsence, !isFirst else { throw error }
                reason = error
            }
            let now = SystemClock.monotonic()
            let waited = now &- (start ?? now)
            start = now &- waited
            guard isWaiting, waited < grace.load(ordering: .relaxed) else { throw reason }
            ThisProcess.pause(nanoseconds: Self.napNanoseconds)
        }
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
    func attach(
        _ name: SegmentName, _ access: SharedMemProtocol.Access, isWaiting: Bool = true
    ) throws(SharedMemError) -> Attached {
        let attach = Hello.Attach(segment: name, access: access)
        let first = try link.withLock { (link) throws(SharedMemError) -> Attached? in
            link.hasBeenGreeted ? nil : try link.greet(socketPath, attach: attach)
        }
        if let first { return first }
        return try insisting(isWaiting: isWaiting) { (link, requestID) throws(SharedMemError) in
            try link.attach(attach, requestID)
        }
    }

    /// Goes on with connecting to a daemon that may be gone; false: it's not there yet.
    ///
    /// Without `isWaiting`, also if another thread is at it; otherwise waits for an answer for a moment.
    func reconnect(isWaiting: Bool) throws(SharedMemError) -> Bool {
        if isWaiting {
            return try link.withLock { (link) throws(SharedMemError) in
                try link.connect(to: socketPath, waitingMilliseconds: Self.answerMilliseconds)
            }
        }
        let isConnected = try link.withLockIfFree { (link) throws(SharedMemError) in
            try link.connect(to: socketPath, waitingMilliseconds: 0)
        }
        return isConnected ?? false
    }
}

// MARK: - Watches

extension Session {
    /// Has the daemon watch what is wanted of a generation; as `Link.watch(_:path:)`.
    ///
    /// Without `isWaiting`, not while another thread's request is under way.
    func watch(_ generation: AttachedGeneration, isWaiting: Bool) throws(SharedMemError) -> WatchOutcome {
        if isWaiting {
            return try link.withLock { (link) throws(SharedMemError) in try link.watch(generation, path: socketPath) }
        }
        let outcome = try link.withLockIfFree { (link) throws(SharedMemError) in
            try link.watch(generation, path: socketPath)
        }
        return outcome ?? .away
    }

    /// Takes back what isn't wanted any more, now or when the daemon is there again.
    func unwatch(of lineage: Lineage) { link.withLock { $0.unwatch(of: lineage, path: socketPath) } }
}

// MARK: - Pins and locks

extension Session {
    /// Pins a segment for `lineage`; false: the daemon refused or is gone, or the lineage is over.
    func pin(_ segmentID: UInt64, of lineage: Lineage) -> Bool {
        link.withLock { $0.pin(segmentID, of: lineage, path: socketPath) }
    }

    /// Gives a pin of `lineage` back, now or when the daemon is there again.
    func unpin(_ segmentID: UInt64, of lineage: Lineage) {
        link.withLock { $0.unpin(segmentID, of: lineage, path: socketPath) }
    }

    /// Asks who has the lock word of a segment that `lineage` is attached to; nil: there is no answer to be had now.
    ///
    /// Waits for the answer for a second, and for nothing else.
    func holder(of segmentID: UInt64, for lineage: Lineage) -> Holder? {
        do throws(SharedMemError) {
            let reply: Reply?? = try link.withLockIfFree { (link) throws(SharedMemError) in
                guard try link.connect(to: socketPath, waitingMilliseconds: Self.answerMilliseconds),
                    link.lineage === lineage
                else { return nil }
                let requestID = link.nextRequestID()
                guard let answer = try link.exchangeSoon(.whoHolds(segmentID: segmentID), requestID) else { return nil }
                return answer.reply
            }
            guard case .holder(let holder)?? = reply else { return nil }
            return holder
        } catch {
            // Who waits for the word goes on waiting, with or without knowing for whom.
            return nil
        }
    }
}
