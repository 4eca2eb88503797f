package import SharedMemProtocol

extension Broker {
    /// What the daemon has to keep, in three numbers.
    package struct Summary: Equatable, Sendable, CustomStringConvertible {
        /// Segments, those included whose memory is being made.
        package let segmentCount: Int
        /// Sessions that are connected, or may come back after a restart.
        package let sessionCount: Int
        /// Bytes that the segments are charged with.
        package let byteCount: UInt64

        /// The numbers in words.
        package var description: String {
            let segments = segmentCount == 1 ? "1 segment" : "\(segmentCount) segments"
            let sessions = sessionCount == 1 ? "1 session" : "\(sessionCount) sessions"
            return "\(segments), \(ByteCount(byteCount).rounded), \(sessions)"
        }
    }

    /// What is counted from the start, and from the first start on.
    struct Record: Sendable {
        /// When the daemon started: ns since the epoch.
        let startedAt: UInt64
        /// When the first of the daemons started that took over from each other: ns since the epoch.
        var firstStartedAt: UInt64
        /// How often the state was taken over.
        var restartCount: UInt64 = 0
        /// Lock words that were taken over from dead sessions.
        var repairCount: UInt64 = 0
        /// Segments that have moved to a new generation.
        var switchCount: UInt64 = 0

        /// Begins to count.
        init(startedAt: UInt64) {
            self.startedAt = startedAt
            firstStartedAt = startedAt
        }
    }

    /// The numbers of this moment.
    package var summary: Summary {
        Summary(
            segmentCount: segments.names.count, sessionCount: sessions.count - sessions.abandonedCount,
            byteCount: segments.chargedByteCount)
    }

    /// What a daemon must know to go on from here.
    package var savedState: SavedState {
        SavedState(
            nextSessionID: sessions.nextID, nextSegmentID: segments.nextID, firstStartedAt: record.firstStartedAt,
            restartCount: record.restartCount,
            segments: segments.all.compactMap(\.saved).sorted { $0.id < $1.id },
            sessions: sessions.all.map(\.saved).sorted { $0.id < $1.id })
    }
}

extension Broker {
    /// A segment's name; nil: there is none with this id.
    package func name(of segmentID: UInt64) -> SegmentName? { segments[segmentID]?.name }
}
