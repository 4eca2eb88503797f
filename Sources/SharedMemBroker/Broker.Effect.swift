package import SharedMemProtocol

extension Broker {
    /// What the daemon has to do, in this order.
    package enum Effect: Equatable, Sendable {
        /// Send a reply.
        case reply(PeerID, requestID: UInt32, Reply)
        /// Send a reply with the segment's descriptors: the data file's (re-opened O_RDONLY for `.readOnly`), and for
        /// `.readWrite` the lock file's.
        case replyWithMemory(PeerID, requestID: UInt32, Reply, segmentID: UInt64, Access)
        /// Pin a segment for a session, unless it has its pin there already, and send `.pinned`; if there is none to be
        /// had send a failure, and tell `pinFailed`.
        case pin(PeerID, requestID: UInt32, segmentID: UInt64, session: UInt32)
        /// Take a session's pin of a segment away.
        case unpin(segmentID: UInt64, session: UInt32)
        /// End a connection and log why, once.
        case disconnect(PeerID, reason: String)
        /// Make a segment's memory files on the worker; answered by `memoryMade` or `memoryFailed`.
        case makeMemory(segmentID: UInt64, SegmentDefinition)
        /// Set the state in the header to REMOVED and close the descriptors; the memory goes with the last mapping.
        /// Its pins stay as they are, for a write that is under way.
        case releaseMemory(segmentID: UInt64)
        /// Keep the definition over a restart.
        case remember(SegmentDefinition)
        /// Forget it.
        case forget(SegmentName)
        /// Log a sentence.
        case log(LogLevel, String)
        /// The number of segments, sessions or bytes has changed.
        case statusChanged
    }

    /// How much a log line matters, as in syslog.
    package enum LogLevel: Int, Equatable, Sendable {
        /// Something failed.
        case error = 3
        /// Something is not as it should be, and the daemon goes on.
        case warning = 4
        /// An ordinary event that matters.
        case notice = 5
        /// An ordinary event.
        case info = 6
    }
}
