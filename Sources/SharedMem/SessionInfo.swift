internal import SharedMemProtocol

/// What the daemon says of a session and one of its segments.
public struct SessionInfo: Sendable {
    /// What the session puts into lock words; not reused as long as it could be mistaken.
    public let sessionID: UInt32
    /// How it is connected.
    public let state: State
    /// Its process, as the daemon numbers processes.
    public let pid: Int32
    /// Its user when it connected.
    public let uid: UInt32
    /// When it began: nanoseconds since the epoch.
    public let beganAtNanoseconds: UInt64
    /// What its program says it is; made of bytes that anybody can choose.
    public let program: String
    /// The segment's name; nil: it has none, or one that was removed.
    public let segment: String?
    /// The segment's id; nil: it has none.
    public let segmentID: UInt64?
    /// What it may do with the segment, a right that it gave back included; nil: it has none.
    public let access: Segment.Access?
    /// How often it is attached to the segment; 0: it gave it back, or hasn't taken it up again since a restart.
    public let attachedCount: Int
    /// Since when it has the segment's lock word: nanoseconds since the epoch; nil: it doesn't have it.
    public let holdsLockSinceNanoseconds: UInt64?

    /// How a session is connected.
    public enum State: Sendable {
        /// By a connection.
        case connected
        /// Not yet again since the daemon was restarted: it needn't have noticed.
        case restored
        /// No longer, though its process lives.
        case abandoned
    }

    init(_ description: SessionDescription) {
        sessionID = description.session
        state =
            switch description.state {
            case .connected: .connected
            case .restored: .restored
            case .abandoned: .abandoned
            }
        pid = description.pid
        uid = description.uid
        beganAtNanoseconds = description.since
        program = String(decoding: description.program, as: UTF8.self)
        segment = description.segment?.description
        segmentID = description.segmentID == 0 ? nil : description.segmentID
        access = description.access.map { $0 == .readWrite ? .readWrite : .readOnly }
        attachedCount = Int(description.attachedCount)
        holdsLockSinceNanoseconds = description.holdsSince == 0 ? nil : description.holdsSince
    }
}

extension Session {
    /// Describes the sessions of the caller's user, for root all of them: one entry for each session and each segment
    /// that it is attached to or may still write, in the order of their ids.
    public func sessions() throws(SharedMemError) -> [SessionInfo] {
        var infos: [SessionInfo] = []
        var last: SessionCursor?
        while true {
            let answer = try exchange(.sessions(after: last))
            guard case .sessions(let page, let more) = answer.reply else {
                throw Connection.unexpected("a list of sessions")
            }
            for description in page { infos.append(SessionInfo(description)) }
            last = page.last.map { SessionCursor(session: $0.session, segmentID: $0.segmentID) }
            if !more || page.isEmpty { return infos }
        }
    }
}
