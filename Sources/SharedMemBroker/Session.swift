internal import SharedMemProtocol

/// What a process holds: it outlives its connection, until the process is dead.
struct Session: Sendable {
    /// What it puts into lock words.
    let id: UInt32
    /// Whose it is.
    let process: ProcessIdentity
    /// What takes it up again.
    var token: SessionToken
    /// The user at the last connect.
    var uid: UInt32
    /// The group at the last connect.
    var gid: UInt32
    /// When it began: ns since the epoch.
    let since: UInt64
    /// What it says it is.
    var program: [UInt8]
    /// How it is connected.
    var state: State
    /// The segments that exist and that its process can write, detached or not.
    var writable: Set<UInt64> = []
    /// Its last CREATE or REMOVE that was done.
    var lastChange: SavedSession.Change?
    /// How often it's attached to which segment, removed segments included.
    var attachments: [UInt64: Int] = [:]
    /// How often it has pinned which segment, removed segments included.
    var pins: [UInt64: Int] = [:]
    /// What it watches in which segment, never nothing, by ascending segment id.
    ///
    /// Kept by RECONNECT, before anything is attached again. In the form in which it's saved, since each change is.
    private(set) var watches: [SavedSession.Watch] = []
    /// How often that has changed.
    private(set) var watchChangeCount: UInt64 = 0
    /// When another HELLO of its process took it up again: a lock word that it took before is nobody's; 0: never.
    var resumedAt: UInt64 = 0

    /// How a session is connected.
    enum State: Equatable, Sendable {
        /// By this connection.
        case connected(PeerID)
        /// Not yet again, since the daemon's restart.
        case restored
        /// No longer, though its process lives.
        case abandoned
    }

    /// What it watches in a segment.
    func watched(in segmentID: UInt64) -> WatchSet {
        let index = watchIndex(of: segmentID)
        return index < watches.count && watches[index].segmentID == segmentID ? watches[index].words : WatchSet()
    }

    /// Replaces what it watches in a segment.
    mutating func setWatches(_ words: WatchSet, in segmentID: UInt64) {
        let index = watchIndex(of: segmentID)
        let end = index < watches.count && watches[index].segmentID == segmentID ? index + 1 : index
        let new = words.isEmpty ? [] : [SavedSession.Watch(segmentID: segmentID, words: words)]
        watches.replaceSubrange(index..<end, with: new)
        watchChangeCount &+= 1
    }

    /// Where a segment is among those that are watched, or belongs.
    private func watchIndex(of segmentID: UInt64) -> Int {
        var range = 0..<watches.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = watches[middle].segmentID < segmentID ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }

    /// The most segments that one session may be attached to.
    static var attachmentLimit: Int { 4096 }

    /// Whether a lock word that it holds may still be given back.
    ///
    /// It never is by a session that was abandoned, and not by one that has begun anew since the word was taken. Times in
    /// shared memory are coarse, to 10 ms.
    func mayRelease(_ segmentID: UInt64, takenAt: UInt64) -> Bool {
        guard state != .abandoned, writable.contains(segmentID) else { return false }
        return takenAt == 0 || takenAt >= resumedAt || resumedAt - takenAt <= 10_000_000
    }
}

extension Session: CustomStringConvertible {
    /// Names the process, what it says it is, and its user.
    var description: String {
        "process \(process.pid)\(program.isEmpty ? "" : " (\(printableProgram))") of uid \(uid)"
    }

    /// What the process says it is, fit for a line of a log.
    private var printableProgram: String {
        let text = String(decoding: program, as: UTF8.self)
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.isPrintable ? $0 : "?" }))
    }
}

extension Unicode.Scalar.Properties {
    /// Whether a scalar is what it looks like: no control, no format, no separator of lines.
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

extension Session {
    /// What is kept of it over a restart.
    var saved: SavedSession {
        SavedSession(
            id: id, token: token, process: process, uid: uid, gid: gid, since: since, program: program,
            writable: writable.sorted(), lastChange: lastChange, isAbandoned: state == .abandoned,
            watches: watches)
    }

    /// Takes up what was kept, as far as it's about segments that exist.
    init(_ saved: SavedSession, segmentIDs: Set<UInt64>) {
        id = saved.id
        process = saved.process
        token = saved.token
        uid = saved.uid
        gid = saved.gid
        since = saved.since
        program = saved.program
        state = saved.isAbandoned ? .abandoned : .restored
        writable = segmentIDs.intersection(saved.writable)
        lastChange = saved.lastChange
        guard !saved.isAbandoned else { return }
        for watch in saved.watches where segmentIDs.contains(watch.segmentID) && !watch.words.isEmpty {
            setWatches(watch.words, in: watch.segmentID)
        }
    }

    /// What tells one saved state of a session from the next; rights are only added or only taken, never both at once.
    struct Imprint: Equatable {
        private let token: SessionToken
        private let uid: UInt32
        private let gid: UInt32
        private let program: [UInt8]
        private let rightCount: Int
        private let lastChange: SavedSession.Change?
        private let isAbandoned: Bool
        private let watchChangeCount: UInt64

        /// Takes it of `session`.
        init(_ session: Session) {
            token = session.token
            uid = session.uid
            gid = session.gid
            program = session.program
            rightCount = session.writable.count
            lastChange = session.lastChange
            isAbandoned = session.state == .abandoned
            watchChangeCount = session.watchChangeCount
        }
    }
}
