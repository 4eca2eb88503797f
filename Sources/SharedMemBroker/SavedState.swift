package import SharedMemProtocol

/// What a daemon must know to go on where an earlier one stopped.
package struct SavedState: Equatable, Sendable {
    /// The session id to issue next.
    package var nextSessionID: UInt32
    /// The segment id to issue next.
    package var nextSegmentID: UInt64
    /// When the first daemon started whose state this is: ns since the epoch.
    package var firstStartedAt: UInt64
    /// How often the state was taken over; the broker that takes it over adds 1.
    package var restartCount: UInt64
    /// The segments whose memory exists, by ascending id.
    package var segments: [SavedSegment]
    /// The sessions whose process wasn't known to be dead, by ascending id.
    package var sessions: [SavedSession]

    package init(
        nextSessionID: UInt32, nextSegmentID: UInt64, firstStartedAt: UInt64, restartCount: UInt64,
        segments: [SavedSegment], sessions: [SavedSession]
    ) {
        self.nextSessionID = nextSessionID
        self.nextSegmentID = nextSegmentID
        self.firstStartedAt = firstStartedAt
        self.restartCount = restartCount
        self.segments = segments
        self.sessions = sessions
    }
}

/// A segment as it's saved.
package struct SavedSegment: Equatable, Sendable {
    /// Its id.
    package var id: UInt64
    /// The generation that counts.
    package var generation: UInt64
    /// What it was asked to be, with the permissions that count now.
    package var definition: SegmentDefinition
    /// Bytes of the data file.
    package var dataByteCount: UInt64
    /// Bytes of the lock file.
    package var lockByteCount: UInt64
    /// When it was made: ns since the epoch.
    package var createdAt: UInt64
    /// Whether a client asked for it first.
    package var isMadeByClient: Bool
    /// Whether the configuration names it.
    package var isConfigured: Bool

    package init(
        id: UInt64, generation: UInt64, definition: SegmentDefinition, dataByteCount: UInt64, lockByteCount: UInt64,
        createdAt: UInt64, isMadeByClient: Bool, isConfigured: Bool
    ) {
        self.id = id
        self.generation = generation
        self.definition = definition
        self.dataByteCount = dataByteCount
        self.lockByteCount = lockByteCount
        self.createdAt = createdAt
        self.isMadeByClient = isMadeByClient
        self.isConfigured = isConfigured
    }
}

/// A session as it's saved.
package struct SavedSession: Equatable, Sendable {
    /// What it puts into lock words.
    package var id: UInt32
    /// What takes it up again.
    package var token: SessionToken
    /// Whose it is.
    package var process: ProcessIdentity
    /// Its user at connect.
    package var uid: UInt32
    /// Its group at connect.
    package var gid: UInt32
    /// When it began: ns since the epoch.
    package var since: UInt64
    /// What it says it is.
    package var program: [UInt8]
    /// The segments that its process can write, detached or not, ascending.
    package var writable: [UInt64]
    /// Its last CREATE or REMOVE that was done; nil: none.
    package var lastChange: Change?
    /// Whether its connection was seen to end: nobody will free a lock word that it holds.
    package var isAbandoned: Bool
    /// What it watches, by ascending segment id: in the generations that count.
    package var watches: [Watch]

    /// What a session watches in a segment.
    package struct Watch: Equatable, Sendable {
        /// The segment's id.
        package var segmentID: UInt64
        /// The notify words.
        package var words: WatchSet

        package init(segmentID: UInt64, words: WatchSet) {
            self.segmentID = segmentID
            self.words = words
        }
    }

    /// A change that must not be done twice.
    package struct Change: Equatable, Sendable {
        /// The request's id.
        package var requestID: UInt32
        /// The segment that was made; 0: one was removed.
        package var createdSegmentID: UInt64

        package init(requestID: UInt32, createdSegmentID: UInt64) {
            self.requestID = requestID
            self.createdSegmentID = createdSegmentID
        }
    }

    package init(
        id: UInt32, token: SessionToken, process: ProcessIdentity, uid: UInt32, gid: UInt32, since: UInt64,
        program: [UInt8], writable: [UInt64], lastChange: Change?, isAbandoned: Bool = false,
        watches: [Watch] = []
    ) {
        self.id = id
        self.token = token
        self.process = process
        self.uid = uid
        self.gid = gid
        self.since = since
        self.program = program
        self.writable = writable
        self.lastChange = lastChange
        self.isAbandoned = isAbandoned
        self.watches = watches
    }
}
