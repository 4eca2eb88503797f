extension Broker {
    /// What the daemon has to keep, in three numbers.
    package struct Summary: Equatable, Sendable, CustomStringConvertible {
        /// Segments, those included whose memory is being made.
        package let segmentCount: Int
        /// Sessions.
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

    /// The numbers of this moment.
    package var summary: Summary {
        Summary(
            segmentCount: segments.names.count, sessionCount: sessionIDs.live.count,
            byteCount: segments.chargedByteCount)
    }
}

extension Broker {
    /// What a daemon must know to go on from here.
    package var savedState: SavedState {
        SavedState(
            nextSessionID: 1, nextSegmentID: 1, firstStartedAt: startedAt, restartCount: 0, segments: [], sessions: [])
    }
}
