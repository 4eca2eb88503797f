internal import LinuxIPC
internal import SharedMemProtocol

/// What a session has of the daemon: the connection, if there is one, and what takes the session up again over the next.
///
/// Nothing here waits for a daemon that isn't there; who wants to wait calls again.
struct Link: ~Copyable, Sendable {
    /// nil: not connected.
    var connection: Connection?
    /// nil: no greeting is on its way.
    private var greeting: Greeting?
    /// What the daemon knows this process as; nil: it hasn't greeted yet.
    private(set) var lineage: Lineage?
    /// The daemon's word when it greeted.
    private var lifeWord: UInt32 = 0
    /// What takes the lineage up again.
    private var token: SessionToken?
    /// Whether the daemon knows `pin` and `unpin`.
    private var canPin = false
    /// Whether the daemon knows `watch` and `unwatch`.
    private(set) var canWatch = false
    /// What the daemon was asked to watch.
    let watches: WatchTable
    /// Counts upwards over all connections.
    private var lastRequestID: UInt32 = 0
    /// Segments whose pins are to be given back when the daemon is there again, as often as they stand here.
    private var owedUnpins: [UInt64] = []
    /// Before this moment no further connection is tried: ns of the monotonic clock.
    private var nextAttempt: UInt64 = 0
    /// In which process all this is.
    private var forkCount = ForkCounter.current

    /// Whether there was a daemon: then it's waited for when it's gone.
    private(set) var hasBeenGreeted = false

    /// No connection yet; what is watched over those to come stands in `watches`.
    init(watches: WatchTable) { self.watches = watches }

    /// A greeting that isn't answered yet.
    private struct Greeting: ~Copyable {
        var connection: Connection
        var requestID: UInt32
        var isReconnect: Bool

        /// Gives the connection to the caller.
        consuming func takeConnection() -> Connection { connection }
    }

    /// The shortest time between two attempts to connect.
    private static var attemptNanoseconds: UInt64 { 50_000_000 }

    /// A number that no request had before.
    mutating func nextRequestID() -> UInt32 {
        lastRequestID &+= 1
        return lastRequestID
    }

    /// Forgets what belongs to the parent, in a forked child; the sockets were closed at the fork.
    private mutating func beginInChild() {
        guard forkCount != ForkCounter.current else { return }
        forkCount = ForkCounter.current
        connection = nil
        greeting = nil
        lineage = nil
        token = nil
        lastRequestID = 0
        owedUnpins = []
        nextAttempt = 0
    }
}

// MARK: - Greeting

extension Link {
    /// Greets the daemon for the first time and waits for it; attaches too if that is asked for: one round trip for both.
    mutating func greet(
        _ path: String, attach: Hello.Attach?
    ) throws(SharedMemError) -> Attached? {
        var connection = try Connection.waiting(at: path)
        let requestID = nextRequestID()
        var answer = try connection.exchange(Self.hello(attach), requestID)
        try answer.check()
        guard case .hello(let welcome, let attachment) = answer.reply else {
            throw Connection.unexpected("the greeting")
        }
        // The life file comes behind what was attached.
        let fileCount = attachment.map { $0.access == .readWrite ? 2 : 1 } ?? 0
        try accept(welcome, lifeFile: answer.takeFile(behind: fileCount), isReconnect: false)
        if attach != nil, attachment == nil {
            // The reason follows in a frame of its own.
            guard let reason = try connection.receive(requestID) else { throw Connection.silent }
            self.connection = consume connection
            try reason.check()
            throw Connection.unexpected("the greeting with an attach")
        }
        self.connection = consume connection
        guard let attachment else { return nil }
        return try attached(attachment, &answer)
    }

    /// Goes on with connecting as far as that is possible without waiting for more than an answer; says whether it's
    /// done.
    ///
    /// Throws why there is no daemon to be had, or why it refused.
    mutating func connect(to path: String, waitingMilliseconds: Int) throws(SharedMemError) -> Bool {
        beginInChild()
        if !hasBeenGreeted {
            _ = try greet(path, attach: nil)
            return true
        }
        if connection != nil {
            if isDaemonAlive { return true }
            connection = nil
        }
        if greeting == nil {
            let now = SystemClock.monotonicCoarse()
            guard now >= nextAttempt else { return false }
            nextAttempt = now &+ Self.attemptNanoseconds
            let connection = try Connection.atOnce(at: path)
            let requestID = nextRequestID()
            var isReconnect = false
            if let lineage, let token {
                isReconnect = true
                let reconnect = Reconnect(
                    majors: ProtocolLimits.majors, features: ProtocolLimits.features, session: lineage.sessionID,
                    token: token)
                try connection.send(.reconnect(reconnect), requestID)
            } else {
                try connection.send(Self.hello(nil), requestID)
            }
            greeting = Greeting(connection: connection, requestID: requestID, isReconnect: isReconnect)
        }
        return try finishGreeting(waitingMilliseconds)
    }

    /// Takes the answer to a greeting, if it's there.
    private mutating func finishGreeting(_ milliseconds: Int) throws(SharedMemError) -> Bool {
        guard var pending = greeting.take() else { return false }
        while true {
            try pending.connection.setPatience(milliseconds: milliseconds)
            guard var answer = try pending.connection.receive(pending.requestID) else {
                greeting = consume pending
                return false
            }
            switch answer.reply {
            case .failure(let failure) where pending.isReconnect && Self.isForgotten(failure):
                pending.isReconnect = false
                pending.requestID = nextRequestID()
                try pending.connection.send(Self.hello(nil), pending.requestID)
                continue
            case .reconnected(let welcome) where pending.isReconnect:
                try accept(welcome, lifeFile: answer.takeFile(behind: 0), isReconnect: true)
            case .hello(let welcome, nil) where !pending.isReconnect:
                try accept(welcome, lifeFile: answer.takeFile(behind: 0), isReconnect: false)
            default:
                try answer.check()
                throw Connection.unexpected("the greeting")
            }
            try pending.connection.setPatience()
            connection = pending.takeConnection()
            try settleUnpins()
            try settleWatches()
            return connection != nil
        }
    }

    /// Whether the daemon doesn't know the session, or knows it as another process's.
    private static func isForgotten(_ failure: Failure) -> Bool {
        failure.error == Errno.noSuchFileOrDirectory.rawValue || failure.error == Errno.stale.rawValue
    }

    private static func hello(_ attach: Hello.Attach?) -> Request {
        .hello(
            Hello(
                majors: ProtocolLimits.majors, features: ProtocolLimits.features, program: ThisProcess.programName(),
                attach: attach))
    }

    /// Notes what the daemon said of the session.
    private mutating func accept(
        _ welcome: Welcome, lifeFile: consuming MemoryFile?, isReconnect: Bool
    ) throws(SharedMemError) {
        guard ProtocolLimits.majors.contains(welcome.major) else {
            throw Connection.unexpected("the greeting with protocol " + String(welcome.major))
        }
        guard let lifeFile else { throw Connection.unexpected("the greeting without a life file") }
        var known: DaemonLife?
        if let life = lineage?.life, try life.isMapped(from: lifeFile) { known = life }
        let life: DaemonLife
        if let known { life = known } else { life = try DaemonLife.mapping(lifeFile) }
        guard let word = life.word else {
            throw SharedMemError(
                .notConnected, errno: Errno.notConnected.rawValue, "the daemon ended while it greeted")
        }
        if !isReconnect || known == nil || lineage?.sessionID != welcome.session {
            lineage = Lineage(sessionID: welcome.session, life: life)
            owedUnpins = []
        }
        if let lineage { watches.begin(lineage) }
        lifeWord = word
        token = welcome.token
        canPin = welcome.features & ProtocolLimits.pinsFeature != 0
        canWatch = welcome.features & ProtocolLimits.watchesFeature != 0
        hasBeenGreeted = true
    }

    /// Whether the daemon that greeted lives.
    private var isDaemonAlive: Bool {
        guard let word = lineage?.life.word else { return false }
        return word == lifeWord
    }
}

// MARK: - Requests

extension Link {
    /// Sends a request over the connection that is there and waits for the reply; nil: there is none, or none any more.
    mutating func exchange(_ request: Request, _ requestID: UInt32) throws(SharedMemError) -> Answer? {
        guard var current = connection.take() else { return nil }
        do throws(SharedMemError) {
            let answer = try current.exchange(request, requestID)
            connection = consume current
            return answer
        } catch {
            if error.isAbsence { return nil }
            throw error
        }
    }

    /// The same, but the reply is waited for a second only; nil too if it isn't there by then.
    mutating func exchangeSoon(_ request: Request, _ requestID: UInt32) throws(SharedMemError) -> Answer? {
        guard var current = connection.take() else { return nil }
        do throws(SharedMemError) {
            let answer = try current.exchange(request, requestID, milliseconds: 1000)
            connection = consume current
            return answer
        } catch {
            if error.isAbsence { return nil }
            throw error
        }
    }

    /// Attaches over the connection that is there; nil as in `exchange(_:_:)`.
    mutating func attach(
        _ attach: Hello.Attach, _ requestID: UInt32
    ) throws(SharedMemError) -> Attached? {
        guard var answer = try exchange(.attach(attach.segment, attach.access), requestID) else { return nil }
        try answer.check()
        guard case .attached(let attachment) = answer.reply else { throw Connection.unexpected("an attach") }
        return try attached(attachment, &answer)
    }

    private func attached(
        _ attachment: SharedMemProtocol.Attachment, _ answer: inout Answer
    ) throws(SharedMemError) -> Attached {
        guard let data = answer.takeFile(behind: 0), let lineage else {
            throw Connection.unexpected("an attach without a memory file")
        }
        var lock: MemoryFile?
        if attachment.access == .readWrite {
            lock = answer.takeFile(behind: 1)
            guard lock != nil else { throw Connection.unexpected("an attach with another access") }
        }
        return Attached(
            attachment: attachment, lineage: lineage, lifeWord: lifeWord, canPin: canPin, data: data, lock: lock)
    }
}

/// What an attach gave: the files, and what the daemon knew the process as.
struct Attached: ~Copyable {
    let attachment: SharedMemProtocol.Attachment
    let lineage: Lineage
    /// The daemon's word when it greeted.
    let lifeWord: UInt32
    /// Whether the daemon can be asked for pins.
    let canPin: Bool
    let data: MemoryFile
    var lock: MemoryFile?
}

// MARK: - Pins

extension Link {
    /// Pins a segment for `lineage`; false: the daemon refused or is gone, or the lineage is over.
    mutating func pin(_ segmentID: UInt64, of lineage: Lineage, path: String) -> Bool {
        guard canPin, isConnected(as: lineage, path) else { return false }
        do throws(SharedMemError) {
            guard let answer = try exchangeSoon(.pin(segmentID: segmentID), nextRequestID()) else {
                // Over a connection that lives the pin comes later, when nobody needs it.
                if connection != nil { owedUnpins.append(segmentID) }
                return false
            }
            return answer.reply == .pinned
        } catch {
            return false
        }
    }

    /// Gives a pin of `lineage` back, now or when the daemon is there again.
    mutating func unpin(_ segmentID: UInt64, of lineage: Lineage, path: String) {
        guard self.lineage === lineage, forkCount == ForkCounter.current else { return }
        owedUnpins.append(segmentID)
        // Connecting anew settles it too.
        guard isConnected(as: lineage, path) else { return }
        do throws(SharedMemError) {
            try settleUnpins()
        } catch {
            // The connection is dropped, and what is owed stays so.
            connection = nil
        }
    }

    /// Whether the daemon is there and knows the lineage; goes on with connecting without waiting.
    mutating func isConnected(as lineage: Lineage, _ path: String) -> Bool {
        guard self.lineage === lineage else { return false }
        do throws(SharedMemError) {
            return try connect(to: path, waitingMilliseconds: 0) && self.lineage === lineage
        } catch {
            return false
        }
    }

    /// Gives owed pins back; a daemon that doesn't know of one has none.
    private mutating func settleUnpins() throws(SharedMemError) {
        while let segmentID = owedUnpins.last {
            let answer = try exchangeSoon(.unpin(segmentID: segmentID), nextRequestID())
            guard answer != nil || connection != nil else { return }
            owedUnpins.removeLast()
        }
    }
}
