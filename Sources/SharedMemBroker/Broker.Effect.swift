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
        /// Set the flags of what is watched to exactly these, and fence: the effects behind this one depend on it.
        case setWatched(segmentID: UInt64, WatchSet)
        /// The same for a segment that an earlier daemon left; and move and wake the notify words that were flagged
        /// before, and these.
        case restoreWatched(segmentID: UInt64, WatchSet)
        /// Keep `savedState` over a restart; the effects behind this one depend on it. (A death is saved behind its
        /// repairs: who is killed in between repairs once more.)
        case save
        /// End a connection and log why, once.
        case disconnect(PeerID, reason: String)
        /// End a connection, without a word: its process is dead, though a forked child may still hold it, or has taken
        /// its session up again over another one.
        case close(PeerID)
        /// Nobody needs to be told of this process's death any more.
        case forgetProcess(ProcessIdentity)
        /// Free a segment's lock word if it's the one of one of these dead sessions, finish or undo what it was about,
        /// take their pins, wake everybody who waits for the word, whatever it says, and move and wake all notify words
        /// that are watched: a wake-up dies with its waker. Tell `repaired` if the word was one of theirs, and `spoiled` if
        /// it can't be trusted. `owner` names the process for the log, `process 7 (name) of uid 1`.
        case repair(segmentID: UInt64, sessions: [UInt32], owner: String)
        /// Look at a segment's lock word, and tell `lockSeen`.
        case seeLock(PeerID, requestID: UInt32, segmentID: UInt64)
        /// Send these sessions, each with when it took its segment's lock word.
        case replyWithSessions(PeerID, requestID: UInt32, [SessionDescription], more: Bool)
        /// Send these statistics, completed with what only the daemon knows.
        case replyWithStatistics(PeerID, requestID: UInt32, Statistics)
        /// Make the segment's next generation on the worker: take the lock word (from `owner`, which will never give
        /// it back, or nil: as it comes), copy what is valid; answered by `generationMade` or `generationFailed`.
        case makeGeneration(segmentID: UInt64, generation: UInt64, SegmentDefinition, from: UInt32?)
        /// The saved state says that the new generation counts: mark the old one as retired, wake everybody who waits or
        /// watches, and give its memory back when its pins are gone.
        case retireGeneration(segmentID: UInt64, generation: UInt64)
        /// Make a segment's memory files (of generation 1) on the worker; answered by `memoryMade` or `memoryFailed`.
        case makeMemory(segmentID: UInt64, SegmentDefinition)
        /// Set the state in the header to REMOVED, wake everybody who watches, and close the descriptors; the memory goes
        /// with the last mapping.
        /// Its pins stay as they are, for a write that is under way. The same for a generation of a removed segment that
        /// `generationMade` told of too late.
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
