/// What a client shows to take a session up again: random, known to the session's process alone.
package struct SessionToken: Equatable, Sendable {
    /// The first 64 bits.
    package var high: UInt64
    /// The last 64 bits; the two are not both 0.
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// What an accepted greeting is answered with.
package struct Welcome: Equatable, Sendable {
    /// The bits that both sides understand.
    package var features: UInt64
    /// The session's id.
    package var session: UInt32
    /// The protocol from here on.
    package var major: UInt16
    /// What takes the session up again.
    package var token: SessionToken

    package init(features: UInt64, session: UInt32, major: UInt16, token: SessionToken) {
        self.features = features
        self.session = session
        self.major = major
        self.token = token
    }
}

/// What a client says that takes its session up again.
package struct Reconnect: Equatable, Sendable {
    /// The protocols the client speaks.
    package var majors: ClosedRange<UInt16>
    /// The feature bits the client understands.
    package var features: UInt64
    /// The session's id.
    package var session: UInt32
    /// What its greeting was answered with.
    package var token: SessionToken

    package init(majors: ClosedRange<UInt16>, features: UInt64, session: UInt32, token: SessionToken) {
        self.majors = majors
        self.features = features
        self.session = session
        self.token = token
    }
}

/// Who has a lock word.
package struct Holder: Equatable, Sendable {
    /// The session; 0: the word is free.
    package var session: UInt32
    /// What is known of it.
    package var state: State
    /// Its process, in the daemon's pid namespace; 0: not known.
    package var pid: Int32
    /// Its user.
    package var uid: UInt32
    /// When it took the word: ns since the epoch; 0: not known.
    package var takenAt: UInt64
    /// What it says it is; at most 64 bytes of UTF-8.
    package var program: [UInt8]

    /// What is known of who has a lock word.
    package enum State: UInt32, Sendable {
        /// Nobody has it, or it was freed just now.
        case none = 0
        /// A session with a connection.
        case connected = 1
        /// A session that hasn't reconnected since the daemon's restart.
        case restored = 2
        /// Nobody who would free it: the segment moves to a new generation.
        case replaced = 3
    }

    package init(session: UInt32, state: State, pid: Int32, uid: UInt32, takenAt: UInt64, program: [UInt8]) {
        self.session = session
        self.state = state
        self.pid = pid
        self.uid = uid
        self.takenAt = takenAt
        self.program = program
    }
}

/// A session and one of its segments.
package struct SessionDescription: Equatable, Sendable {
    /// The session's id.
    package var session: UInt32
    /// How it is connected.
    package var state: State
    /// Its process, in the daemon's pid namespace.
    package var pid: Int32
    /// Its user at connect.
    package var uid: UInt32
    /// When it began: ns since the epoch.
    package var since: UInt64
    /// When it took the segment's lock word: ns since the epoch; 0: it doesn't have it.
    package var holdsSince: UInt64
    /// The segment's id; 0: it has none.
    package var segmentID: UInt64
    /// What it may do with it, a right that was given back included; nil: it has none.
    package var access: Access?
    /// How often it's attached; 0: it was given back, or not taken up again since a restart.
    package var attachedCount: UInt32
    /// The segment's name; nil: it has none, or one that was removed.
    package var segment: SegmentName?
    /// What it says it is; at most 64 bytes of UTF-8.
    package var program: [UInt8]

    /// How a session is connected.
    package enum State: UInt32, Sendable {
        /// By a connection.
        case connected = 1
        /// Not yet again, since the daemon's restart.
        case restored = 2
        /// No longer, though its process lives.
        case abandoned = 3
    }

    package init(
        session: UInt32, state: State, pid: Int32, uid: UInt32, since: UInt64, holdsSince: UInt64 = 0,
        segmentID: UInt64, access: Access?, attachedCount: UInt32, segment: SegmentName?, program: [UInt8]
    ) {
        self.session = session
        self.state = state
        self.pid = pid
        self.uid = uid
        self.since = since
        self.holdsSince = holdsSince
        self.segmentID = segmentID
        self.access = access
        self.attachedCount = attachedCount
        self.segment = segment
        self.program = program
    }
}

/// An entry of the list of sessions.
package struct SessionCursor: Equatable, Sendable {
    /// The session's id.
    package var session: UInt32
    /// The segment's id; 0: none.
    package var segmentID: UInt64

    package init(session: UInt32, segmentID: UInt64) {
        self.session = session
        self.segmentID = segmentID
    }
}

/// How the daemon is.
package struct Statistics: Equatable, Sendable {
    /// When this process started: ns since the epoch.
    package var startedAt: UInt64 = 0
    /// When the first of those started that took over from each other: ns since the epoch.
    package var firstStartedAt: UInt64 = 0
    /// How often the state was taken over.
    package var restartCount: UInt64 = 0
    /// Bytes that all segments take.
    package var byteCount: UInt64 = 0
    /// Bytes that they may take.
    package var byteLimit: UInt64 = 0
    /// Deaths of lock holders that this process has repaired.
    package var repairCount: UInt64 = 0
    /// Segments that this process has moved to a new generation.
    package var switchCount: UInt64 = 0
    /// Segments.
    package var segmentCount: UInt32 = 0
    /// Sessions that are connected, or restored.
    package var sessionCount: UInt32 = 0
    /// Sessions without a connection whose process lives.
    package var abandonedCount: UInt32 = 0
    /// Descriptors that outlive the daemon.
    package var storedCount: UInt32 = 0
    /// The most descriptors that can.
    package var storeLimit: UInt32 = 0
    /// Who keeps them.
    package var keptBy = KeptBy.nobody
    /// The daemon's process, in its own pid namespace.
    package var pid: Int32 = 0
    /// The daemon's user.
    package var uid: UInt32 = 0
    /// The daemon's version; at most 32 bytes of UTF-8.
    package var version: [UInt8] = []
    /// How it is, in words; at most 256 bytes of UTF-8.
    package var status: [UInt8] = []

    /// Who keeps what outlives the daemon.
    package enum KeptBy: UInt32, Sendable {
        /// Nobody.
        case nobody = 0
        /// The service manager.
        case systemd = 1
        /// The daemon's own parent.
        case keeper = 2
    }

    package init() {}
}
