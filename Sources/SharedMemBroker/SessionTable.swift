internal import SharedMemProtocol

/// The sessions by id, and the ids that no new session may get.
struct SessionTable {
    /// The sessions by their ids.
    private var sessions: [UInt32: Session] = [:]
    /// Issues ids.
    private var ids: SessionIDs
    /// What was found in the lock word of a segment and belongs to no session, by the segment's id.
    private(set) var strangers: [UInt64: UInt32] = [:]
    /// The most sessions that there may be.
    let limit: Int
    /// Sessions whose connection has ended.
    private(set) var abandonedCount = 0
    /// Whether what is saved has changed since this was set to false.
    var isChanged = false

    /// Starts without sessions; ids are some of `numbers`, counted from `first`.
    init(numbers: Range<UInt32>, first: UInt32, limit: Int) {
        ids = SessionIDs(numbers: numbers, first: first)
        self.limit = min(limit, numbers.count)
    }

    /// The session with an id.
    subscript(id: UInt32) -> Session? { sessions[id] }

    /// All sessions, in no order.
    var all: Dictionary<UInt32, Session>.Values { sessions.values }

    /// How many there are.
    var count: Int { sessions.count }

    /// Their ids, in ascending order.
    var sortedIDs: [UInt32] { sessions.keys.sorted() }

    /// The id to try next.
    var nextID: UInt32 { ids.next }

    /// Takes an id that neither a session nor a stranger has; nil: the limit is reached.
    mutating func issueID() -> UInt32? {
        guard sessions.count < limit else { return nil }
        let others = Set(strangers.values)
        defer { isChanged = true }
        return ids.issue(takenCount: sessions.count + others.count) { sessions[$0] != nil || others.contains($0) }
    }

    /// Goes on counting ids where an earlier daemon stopped.
    mutating func resumeIDs(at id: UInt32) { ids.resume(at: id) }

    /// Adds a session, whose id is free.
    mutating func insert(_ session: Session) {
        precondition(sessions[session.id] == nil, "the id must be free")
        sessions[session.id] = session
        if session.state == .abandoned { abandonedCount += 1 }
        isChanged = true
    }

    /// Changes a session.
    mutating func update(_ id: UInt32, _ change: (inout Session) -> Void) {
        guard var session = sessions.removeValue(forKey: id) else { return }
        let before = Session.Imprint(session)
        if session.state == .abandoned { abandonedCount -= 1 }
        change(&session)
        if session.state == .abandoned { abandonedCount += 1 }
        if Session.Imprint(session) != before { isChanged = true }
        sessions[id] = session
    }

    /// Takes a session out.
    mutating func remove(_ id: UInt32) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        if session.state == .abandoned { abandonedCount -= 1 }
        isChanged = true
    }

    /// Notes who was found in a segment's lock word; nil or a session: no stranger.
    mutating func noteOwner(_ owner: UInt32?, of segmentID: UInt64) {
        let stranger = owner.flatMap { sessions[$0] == nil && ids.contains($0) ? $0 : nil }
        strangers[segmentID] = stranger
    }

    #if SHAREDMEM_TEST_HOOKS
        /// Takes a session out and keeps its place, which is wrong.
        mutating func lose(_ id: UInt32) {
            sessions[id] = nil
        }

        /// Counts one session too many whose connection has ended.
        mutating func miscount() { abandonedCount += 1 }
    #endif
}
