internal import Glibc
internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol
internal import SharedMemStore

// What the daemon says of itself: to the service manager, and to clients that ask.

extension Daemon {
    /// The daemon's version.
    package static let version = "0.1.0"

    /// What it means that no descriptors are kept.
    static let nothingSurvives = "nothing survives the end of this process"

    /// Accepts connections and says that the daemon serves, once all segments that were asked for are made: a client
    /// that connects earlier waits in the socket's queue.
    func serveWhenReady() throws(Errno) {
        guard isReadyOwed, beingMade.isEmpty else { return }
        isReadyOwed = false
        if listenerSource == nil {
            listenerSource = try listener?.watched(by: loop)
            log.write(.notice, "serving at \(listener?.place ?? "no socket"); \(statusSentence)")
        }
        tell { (manager) throws(Errno) in try manager.ready() }
        isStatusStale = true
        try tellStatus()
    }

    /// Says how things are, at most once a second.
    func tellStatus() throws(Errno) {
        guard isStatusStale, statusPause == nil, !isReadyOwed else { return }
        isStatusStale = false
        let sentence = statusSentence
        tell { (manager) throws(Errno) in try manager.status(sentence) }
        statusPause = try loop.timer(milliseconds: 1000, as: .status)
    }

    /// How things are: `3 segments, 1.0 GiB; 12 sessions`, and what isn't enforced or kept.
    private var statusSentence: String {
        let summary = broker.summary
        let segments = Self.count(summary.segmentCount, "segment")
        let sentence =
            "\(segments), \(ByteSize(summary.byteCount)); \(Self.count(summary.sessionCount, "session"))"
            + OwnUser.exposure
        return serviceManager.storeLimit > 0 ? sentence : "\(sentence); \(Self.nothingSurvives)"
    }

    /// A number of things, in words.
    static func count(_ number: Int, _ thing: String) -> String {
        "\(number) \(thing)\(number == 1 ? "" : "s")"
    }

    /// Tells the service manager something; that it can't be told is logged and survived.
    func tell(_ message: (ServiceManager) throws(Errno) -> Void) {
        do throws(Errno) {
            try message(serviceManager)
        } catch {
            log.write(.warning, "the service manager can't be told: \(error), ignoring")
        }
    }
}

// MARK: - Answering clients

extension Daemon {
    /// Says when a session took its segment's lock word, if it has it.
    func completed(_ session: SessionDescription) -> SessionDescription {
        var completed = session
        completed.holdsSince = 0
        guard let memory = memory[session.segmentID], session.access == .readWrite else { return completed }
        do throws(SegmentMemory.Failure) {
            let holder = try memory.lockHolder()
            if holder.state == .owned(session: session.session) { completed.holdsSince = holder.takenAt }
        } catch {
            log.write(
                .warning, "the lock word of \(name(of: session.segmentID)) can't be seen: \(error.reason), ignoring")
        }
        return completed
    }

    /// Adds what only the daemon knows.
    func completed(_ statistics: Statistics) -> Statistics {
        var completed = statistics
        completed.startedAt = startedAt
        completed.storedCount = UInt32(clamping: serviceManager.stored.count)
        completed.storeLimit = UInt32(clamping: serviceManager.storeLimit)
        completed.keptBy = serviceManager.keptBy
        completed.pid = getpid()
        completed.uid = getuid()
        completed.version = Array(Self.version.utf8)
        completed.status = Array(statusSentence.utf8)
        return completed
    }
}
