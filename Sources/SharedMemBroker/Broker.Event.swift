package import SharedMemProtocol

/// One connection, as the daemon numbers them; never reused while the daemon runs.
package struct PeerID: Hashable, Sendable {
    /// The number.
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Who is at the other end, from the kernel (SO_PEERCRED, SO_PEERGROUPS), never from the client.
package struct PeerIdentity: Equatable, Sendable {
    /// The process, in the daemon's pid namespace.
    package var pid: Int32
    /// The effective uid at connect.
    package var uid: UInt32
    /// The effective gid at connect.
    package var gid: UInt32
    /// The supplementary groups at connect.
    package var groups: [UInt32]

    package init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}

/// A process, told from every other one that has or had its number.
package struct ProcessIdentity: Hashable, Sendable {
    /// Its number in the daemon's pid namespace.
    package var pid: Int32
    /// The inode of its pidfd (Linux 6.9), or else its start time.
    package var mark: UInt64

    package init(pid: Int32, mark: UInt64) {
        self.pid = pid
        self.mark = mark
    }
}

extension Broker {
    /// What happens to the daemon.
    package enum Event: Sendable {
        /// A process connected: which one, with a token for the session that it may begin, at a time in ns since the
        /// epoch.
        case connected(PeerID, PeerIdentity, ProcessIdentity, SessionToken, at: UInt64)
        /// A whole, well-formed request came.
        case received(PeerID, requestID: UInt32, Request)
        /// The connection ended, or the daemon ended it; its process may live on.
        case hungUp(PeerID)
        /// A process is dead: nothing that it was about to store comes any more.
        case died(ProcessIdentity)
        /// A segment's memory files exist, and outlive the daemon; `createdAt` is in ns since the epoch.
        case memoryMade(segmentID: UInt64, dataByteCount: UInt64, lockByteCount: UInt64, createdAt: UInt64)
        /// A lock word that was asked for: who owns it (0: nobody) and since when, in ns since the epoch.
        case lockSeen(PeerID, requestID: UInt32, segmentID: UInt64, owner: UInt32, takenAt: UInt64)
        /// A repair took the lock word of a dead session over, and freed it.
        case repaired(segmentID: UInt64)
        /// A repair found what no writer leaves: the segment's memory can't be trusted as it is.
        case spoiled(segmentID: UInt64)
        /// The next generation exists, outlives the daemon and holds the values; the old one is still locked.
        case generationMade(
            segmentID: UInt64, generation: UInt64, dataByteCount: UInt64, lockByteCount: UInt64, createdAt: UInt64)
        /// The worker couldn't make it; `reason` is a sentence without a full stop.
        case generationFailed(segmentID: UInt64, error: Int32, reason: String)
        /// What an earlier daemon saved, and what of it is still there; comes first of all, or not at all if nothing was
        /// saved. Behind it come `pinFound` and `ownerFound`, then the first `configured`.
        case restored(SavedState, living: Set<ProcessIdentity>, kept: Set<UInt64>)
        /// A pin that an earlier daemon set for a session of its own accord was found in a segment.
        case pinFound(segmentID: UInt64, session: UInt32)
        /// A lock word that is held was found at the start.
        case ownerFound(segmentID: UInt64, owner: UInt32)
        /// The worker couldn't; `reason` is a sentence without a full stop.
        case memoryFailed(segmentID: UInt64, error: Int32, reason: String)
        /// A pin that was asked for couldn't be had, and its session was told so.
        case pinFailed(PeerID, segmentID: UInt64)
        /// The configuration was read, at start or on reload.
        case configured(Configuration)
        /// A definition that was remembered over a restart; comes after the first `configured`.
        case recalled(SegmentDefinition)
    }

    /// What the broker needs of the configuration, with names resolved to ids.
    package struct Configuration: Equatable, Sendable {
        /// The segments it names, owner and group resolved (never nil).
        package var segments: [SegmentDefinition]
        /// Bytes that all segments together may take.
        package var memoryLimit: UInt64
        /// Connections that one uid may hold at once; root is exempt.
        package var connectionsPerUser: Int
        /// Who may create segments; nil: everybody.
        package var creators: Creators?
        /// Whether clients leave room for a new generation of the largest segment when they create one.
        package var keepsSwitchRoom: Bool

        /// Who may create segments, besides root.
        package struct Creators: Equatable, Sendable {
            /// By uid.
            package var users: Set<UInt32>
            /// By gid.
            package var groups: Set<UInt32>

            package init(users: Set<UInt32>, groups: Set<UInt32>) {
                self.users = users
                self.groups = groups
            }
        }

        package init(
            segments: [SegmentDefinition], memoryLimit: UInt64, connectionsPerUser: Int, creators: Creators?,
            keepsSwitchRoom: Bool = true
        ) {
            self.segments = segments
            self.memoryLimit = memoryLimit
            self.connectionsPerUser = connectionsPerUser
            self.creators = creators
            self.keepsSwitchRoom = keepsSwitchRoom
        }
    }
}
