/// The processes whose death matters, with what they have.
struct ProcessTable {
    /// What a process has.
    struct Holdings: Equatable {
        /// Its connections.
        var peers: Set<PeerID> = []
        /// Its sessions.
        var sessions: Set<UInt32> = []

        /// Whether it has nothing.
        var isEmpty: Bool { peers.isEmpty && sessions.isEmpty }
    }

    /// The processes that have something.
    private(set) var holdings: [ProcessIdentity: Holdings] = [:]

    /// What a process has.
    subscript(process: ProcessIdentity) -> Holdings { holdings[process] ?? Holdings() }

    /// Adds a connection.
    mutating func insert(_ peer: PeerID, of process: ProcessIdentity) {
        holdings[process, default: Holdings()].peers.insert(peer)
    }

    /// Adds a session.
    mutating func insert(_ session: UInt32, of process: ProcessIdentity) {
        holdings[process, default: Holdings()].sessions.insert(session)
    }

    /// Takes a connection out.
    mutating func remove(_ peer: PeerID, of process: ProcessIdentity) {
        change(process) { $0.peers.remove(peer) }
    }

    /// Takes a session out.
    mutating func remove(_ session: UInt32, of process: ProcessIdentity) {
        change(process) { $0.sessions.remove(session) }
    }

    /// Changes what a process has, and forgets one that has nothing.
    private mutating func change(_ process: ProcessIdentity, _ change: (inout Holdings) -> Void) {
        guard var changed = holdings[process] else { return }
        change(&changed)
        holdings[process] = changed.isEmpty ? nil : changed
    }
}
