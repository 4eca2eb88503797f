import Foundation
import LinuxIPC
import SharedMem
import SharedMemProtocol
import SharedMemStore
import Synchronization
import TestSupport

/// A daemon inside the test, which answers as the protocol says and ends, returns and forgets when the test wants it.
final class ScriptedDaemon: Sendable {
    /// What a frame asked, over which connection.
    struct Heard: Sendable, Equatable {
        var connection: Int
        var requestID: UInt32
        var request: Request
    }

    /// What the test decides, and what the daemon knows.
    struct State: Sendable {
        var heard: [Heard] = []
        var hangUpCount = 0
        var segments: [String: ScriptedSegment] = [:]
        var tokens: [UInt32: SessionToken] = [:]
        var lastSession: UInt32 = 0
        var lastToken: UInt64 = 0
        var changes: [UInt32: Int] = [:]
        /// Ends the connection instead of replying to the next request that this picks, after it was done.
        var losesReply: (@Sendable (Request) -> Bool)?
        /// Doesn't answer greetings until it's cleared.
        var isSilent = false
        var holder: Holder?
        var sessions: [SessionDescription] = []
        var statistics = Statistics()
        /// What the daemon says that it knows.
        var features = ProtocolLimits.features
        /// How many requests to watch it refuses from now on, as if the segment were being moved.
        var staleWatchCount = 0
    }

    private let folder: TemporaryFolder
    private let life = Mutex(ScriptedLife())
    private let state = Mutex(State())
    private let listener = Mutex<Listener?>(nil)

    /// Where it listens.
    var socketPath: String { folder.path + "/control.sock" }

    /// Listens, with one segment `default`.
    init() throws {
        folder = try TemporaryFolder()
        try add("default", id: 1)
        try start()
    }

    deinit { stop() }

    /// Reads or changes what the daemon knows.
    func with<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        try state.withLock { try body(&$0) }
    }

    /// What was asked so far.
    var requests: [Request] { with { $0.heard.map(\.request) } }

    /// How many requests of a kind there were.
    func count(_ kind: RequestKind) -> Int { requests.filter { $0.kind == kind }.count }

    /// Makes a segment, or a further generation of one.
    func add(_ name: String, id: UInt64, generation: UInt64 = 1, byteCount: UInt64 = 1 << 20) throws {
        let segment = try ScriptedSegment(segmentID: id, generation: generation, byteCount: byteCount)
        with { $0.segments[name] = segment }
    }

    /// Starts, or starts again; `forgets`: as a daemon that knows no session and has another life file.
    func start(forgets: Bool = false) throws {
        if forgets {
            with { $0.tokens = [:] }
            life.withLock { $0 = ScriptedLife() }
        }
        try life.withLock { try $0.begin() }
        let socket = try UnixSocket.listening(at: socketPath, mode: 0o666, backlog: 64)
        try socket.setReceiveTimeout(milliseconds: 10)
        try socket.setNonBlocking(false)
        let next = Listener(socket) { [unowned self] connection in serve(connection) }
        listener.withLock { $0 = next }
    }

    /// Dies: the word changes, the connections end, nobody listens.
    func stop() {
        life.withLock { $0.end() }
        let last = listener.withLock { $0.take() }
        last?.stop()
    }

    /// Ends all connections, and lives on.
    func hangUp() { listener.withLock { $0?.endConnections() } }
}

// MARK: - Serving

extension ScriptedDaemon {
    /// Answers one frame; false: ends the connection.
    private func serve(_ connection: ScriptedConnection) -> Bool {
        do {
            guard let frame = try connection.next() else { return true }
            let isLost = with { state in
                state.heard.append(
                    Heard(connection: connection.number, requestID: frame.requestID, request: frame.request))
                guard state.losesReply?(frame.request) == true else { return false }
                state.losesReply = nil
                return true
            }
            let reply = try answer(frame, connection)
            if isLost { return false }
            guard let reply else { return true }
            try send(reply, to: connection, frame.requestID)
            return true
        } catch {
            with { $0.hangUpCount += 1 }
            return false
        }
    }

    private func answer(_ frame: RequestFrame, _ connection: ScriptedConnection) throws -> Reply? {
        try with { state in
            if state.isSilent { return nil }
            switch frame.request {
            case .hello(let hello):
                state.lastSession += 1
                state.lastToken += 1
                connection.session = state.lastSession
                let token = SessionToken(high: state.lastToken, low: 7)
                state.tokens[state.lastSession] = token
                let welcome = Welcome(
                    features: state.features, session: state.lastSession, major: 1, token: token)
                guard let attach = hello.attach else { return .hello(welcome, attachment: nil) }
                let segment = state.segments[attach.segment.description]
                return .hello(welcome, attachment: segment?.attachment(attach.access))
            case .reconnect(let reconnect):
                guard let token = state.tokens[reconnect.session] else { return Self.refusal(.noSuchFileOrDirectory) }
                guard token == reconnect.token else { return Self.refusal(.stale) }
                connection.session = reconnect.session
                return .reconnected(
                    Welcome(features: state.features, session: reconnect.session, major: 1, token: token))
            case .attach(let name, let access):
                guard let segment = state.segments[name.description] else {
                    return Self.refusal(.noSuchFileOrDirectory)
                }
                return .attached(segment.attachment(access))
            case .create(let definition):
                // As the daemon does it: a change that is sent again is done once.
                let change = Int(frame.requestID)
                if state.changes[connection.session] != change {
                    guard state.segments[definition.name.description] == nil else { return Self.refusal(.fileExists) }
                    let id = UInt64(state.segments.count + 1)
                    state.segments[definition.name.description] = try ScriptedSegment(segmentID: id, generation: 1)
                    state.changes[connection.session] = change
                }
                return .created(segmentID: 2)
            case .remove(let name):
                let change = Int(frame.requestID)
                if state.changes[connection.session] != change {
                    guard state.segments.removeValue(forKey: name.description) != nil else {
                        return Self.refusal(.noSuchFileOrDirectory)
                    }
                    state.changes[connection.session] = change
                }
                return .removed
            case .list: return .list([], more: false)
            case .show: return Self.refusal(.noSuchFileOrDirectory)
            case .detach: return .detached
            case .pin: return .pinned
            case .unpin: return .unpinned
            case .watch(let watch):
                guard let segment = state.segment(watch.segmentID), segment.generation == watch.generation else {
                    return Self.refusal(.stale)
                }
                if state.staleWatchCount > 0 {
                    state.staleWatchCount -= 1
                    return Self.refusal(.stale)
                }
                try segment.watch(watch.words)
                return .watched
            case .unwatch: return .unwatched
            case .whoHolds: return state.holder.map { .holder($0) } ?? Self.refusal(.permissionDenied)
            case .sessions(let after):
                // Pages of two.
                let rest = state.sessions.filter {
                    guard let after else { return true }
                    return ($0.session, $0.segmentID) > (after.session, after.segmentID)
                }
                return .sessions(Array(rest.prefix(2)), more: rest.count > 2)
            case .statistics: return .statistics(state.statistics)
            }
        }
    }

    private static func refusal(_ error: Errno) -> Reply {
        .failure(Failure(error: error.rawValue, text: "refused: \(error)"))
    }

    /// Sends a reply with the descriptors that belong to it.
    private func send(_ reply: Reply, to connection: ScriptedConnection, _ requestID: UInt32) throws {
        let bytes = reply.encoded(requestID: requestID)
        switch reply {
        case .hello(_, let attachment):
            guard let attachment, let segment = with({ $0.segment(attachment.segmentID) }) else {
                try life.withLock { try connection.send(bytes, [$0.descriptor()]) }
                if attachment == nil, case .hello(let hello)? = requests.last, hello.attach != nil {
                    let refusal = Self.refusal(.noSuchFileOrDirectory)
                    try connection.send(refusal.encoded(requestID: requestID), [])
                }
                return
            }
            let files = segment.descriptors(attachment.access)
            try life.withLock { try connection.send(bytes, files + [$0.descriptor()]) }
        case .reconnected: try life.withLock { try connection.send(bytes, [$0.descriptor()]) }
        case .attached(let attachment):
            guard let segment = with({ $0.segment(attachment.segmentID) }) else { throw Errno.noSuchFileOrDirectory }
            try connection.send(bytes, segment.descriptors(attachment.access))
        default: try connection.send(bytes, [])
        }
    }
}

extension ScriptedDaemon.State {
    fileprivate func segment(_ id: UInt64) -> ScriptedSegment? { segments.values.first { $0.segmentID == id } }
}

/// What a request is, without what it carries.
enum RequestKind: Equatable {
    case hello, reconnect, attach, create, remove, whoHolds, pin, unpin, watch, unwatch, other
}

extension Request {
    var kind: RequestKind {
        switch self {
        case .hello: .hello
        case .reconnect: .reconnect
        case .attach: .attach
        case .create: .create
        case .remove: .remove
        case .whoHolds: .whoHolds
        case .pin: .pin
        case .unpin: .unpin
        case .watch: .watch
        case .unwatch: .unwatch
        default: .other
        }
    }
}
