internal import SharedMemProtocol

/// One connection.
struct Peer: Sendable {
    /// Who is at its other end.
    let identity: PeerIdentity
    /// Which process that is.
    let process: ProcessIdentity
    /// What takes the session up again that it may begin.
    let token: SessionToken
    /// When it connected: ns since the epoch.
    let connectedAt: UInt64
    /// How far it has come.
    var state = State.greeting
    /// Requests that wait for a segment's memory.
    var waitingCount = 0

    /// How far a connection has come.
    enum State: Sendable {
        /// HELLO or RECONNECT is still to come.
        case greeting
        /// It was accepted, and this is the session's id.
        case session(UInt32)
    }

    /// The session's id, if HELLO or RECONNECT was accepted.
    var sessionID: UInt32? {
        if case .session(let id) = state { id } else { nil }
    }

    /// The most requests of one connection that may wait.
    static var waitingLimit: Int { 64 }
}

extension PeerIdentity: CustomStringConvertible {
    /// Names the process and its user.
    package var description: String { "process \(pid) of uid \(uid)" }

    /// Whether no mode and no limit on connections applies.
    var isRoot: Bool { uid == 0 }

    /// Whether `group` is the primary or a supplementary one.
    func isMember(of group: UInt32) -> Bool {
        gid == group || groups.contains(group)
    }
}
