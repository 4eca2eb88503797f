/// One connection.
struct Peer: Sendable {
    /// Who is at its other end.
    let identity: PeerIdentity
    /// How far it has come.
    var state = State.greeting

    /// How far a connection has come.
    enum State: Sendable {
        /// HELLO is still to come.
        case greeting
        /// HELLO was accepted.
        case session(Session)
    }

    /// The session, if HELLO was accepted.
    var session: Session? {
        get {
            if case .session(let session) = state { session } else { nil }
        }
        set {
            if let newValue { state = .session(newValue) }
        }
    }
}

/// One attached process.
struct Session: Sendable {
    /// What it puts into lock words.
    let id: UInt32
    /// How often it's attached to which segment, removed segments included.
    var attachments: [UInt64: Int] = [:]
    /// How often it has pinned which of these segments, removed segments included.
    var pins: [UInt64: Int] = [:]
    /// Requests that wait for a segment's memory.
    var waitingCount = 0

    /// The most requests of one session that may wait.
    static var waitingLimit: Int { 64 }
    /// The most segments that one session may be attached to.
    static var attachmentLimit: Int { 4096 }
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
