internal import Glibc
internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol

/// The daemon: carries bytes to the broker and the broker's decisions out, on the one thread that owns all of this.
package final class Daemon {
    /// Where the configuration is read again.
    let source: ConfigurationSource
    /// What counts now.
    var configuration: Configuration
    /// The machine's memory, in bytes.
    let memoryByteCount: UInt64
    /// Where sentences go.
    var log: Log
    /// When this process started: ns since the epoch.
    let startedAt = SystemClock.realtime()
    /// Decides.
    var broker: Broker
    /// What has happened and isn't decided yet.
    var events: [Broker.Event] = []

    /// Waits.
    let loop: EventLoop
    /// Makes and releases memory.
    let maker: MemoryMaker
    /// The loop's interest in what the maker has done.
    private let makerSource: EventLoop.Source
    /// Segments whose memory is being made.
    var beingMade: Set<UInt64> = []
    /// The memory of the segments, by id.
    var memory: [UInt64: SegmentMemory] = [:]
    /// What is pinned for read-only sessions, by segment; those that never were aren't mapped.
    var pins: [UInt64: SegmentPins] = [:]
    /// Keeps definitions; nil: they can't be kept.
    var definitions: DefinitionFolder?

    /// Accepts; nil: not yet, or no longer.
    var listener: Listener?
    /// The loop's interest in the listener.
    var listenerSource: EventLoop.Source?
    /// Runs while accepting pauses for lack of descriptors.
    var pause: EventLoop.Source?
    /// Whether the log was told of the lack that goes on.
    var hasToldOfLack = false
    /// Whether a connection has ended since the last look, which leaves a descriptor for another one.
    var hasDropped = false
    /// The first of the descriptors that aren't for connections, but for what serves those that exist.
    var firstReservedDescriptor = Int.max
    /// How many these are, where the limit isn't tiny.
    private static let reservedDescriptorCount = 32
    /// The connections.
    var peers: [PeerID: Peer] = [:]
    /// The number of the last connection.
    var lastPeer: UInt64 = 0
    /// What messages are read into: one byte longer than the longest.
    var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount + 1)

    /// The processes whose death matters.
    var processes: [ProcessIdentity: WatchedProcess] = [:]

    /// What was kept by an earlier daemon, until it's looked at.
    private var inheritance: Inheritance?
    /// Keeps the broker's state over this process's death.
    var table: SessionTable?
    /// Tells clients whether this process lives.
    var life: LifeFile?
    /// What waits for the service manager, by number.
    var barriers: [UInt64: Barrier] = [:]
    /// The number of the last one.
    var lastBarrier: UInt64 = 0

    /// Switches that are under way, by segment.
    var switches: [UInt64: Switch] = [:]
    /// Segments whose lock word was taken away for ever by a switch that failed then.
    var unsettled: Set<UInt64> = []
    /// Generations whose place another one has taken, with what the daemon holds pinned there, by segment, until they are
    /// to be retired.
    var replaced: [UInt64: (memory: SegmentMemory, pins: SegmentPins?)] = [:]
    /// Generations that are retired, until their memory is given back.
    var retired: [RetiredGeneration] = []
    /// Runs between two looks at them.
    var retiredPause: EventLoop.Source?
    /// Pages that were missing in the daemon's mappings, as far as the broker was told.
    var replacedPageCount: UInt32 = 0
    /// Segments whose generation has lost such pages, and of which the broker was told.
    var damaged: Set<UInt64> = []

    /// Is told how things are, and keeps what is to outlive this process.
    var serviceManager: ServiceManager
    /// Runs for a second behind each status sentence.
    var statusPause: EventLoop.Source?
    /// Whether the last status sentence isn't true any more.
    var isStatusStale = false
    /// Whether READY=1 is owed, at the start or for a reload.
    var isReadyOwed = true

    /// Prepares everything that can fail: the socket, the worker, what an earlier daemon left.
    package init(source: ConfigurationSource, loaded: ConfigurationSource.Loaded, memory: UInt64) throws(DaemonError) {
        self.source = source
        configuration = loaded.configuration
        memoryByteCount = memory
        broker = Broker(startedAt: startedAt)
        log = Log(threshold: loaded.configuration.logLevel)
        // A standard error that nobody reads any more mustn't end the daemon.
        signal(SIGPIPE, SIG_IGN)
        // The Swift runtime's handler writes a backtrace and goes on: a watchdog's SIGABRT wouldn't end the daemon.
        signal(SIGABRT, SIG_DFL)
        do throws(Errno) {
            loop = try EventLoop(signals: [SIGTERM, SIGINT, SIGHUP])
            maker = try MemoryMaker()
            makerSource = try maker.watched(by: loop)
            try GuardedMapping.catchMissingPages()
        } catch {
            throw DaemonError(.system, "the event loop can't be made: \(error)")
        }
        var problems: [String] = []
        serviceManager = ServiceManager(problems: &problems)
        log.write(.notice, "using \(loaded.origin)")
        for warning in loaded.warnings + problems { log.write(.warning, warning) }
        do throws(Errno) {
            let limit = try Machine.raiseDescriptorLimit()
            firstReservedDescriptor = limit - min(limit / 4, Self.reservedDescriptorCount)
        } catch {
            log.write(.warning, "the limit of open descriptors can't be raised: \(error), ignoring")
        }
        var passed = try serviceManager.takeDescriptors()
        inheritance = try Inheritance(of: passed.stored)
        if let socket = passed.socket.take() {
            listener = try Listener(adopting: socket)
        } else {
            listener = try Listener(path: configuration.socketPath)
        }
    }

    /// Serves until SIGTERM or SIGINT comes.
    package func run() throws(DaemonError) {
        try start()
        do throws(Errno) {
            try serveWhenReady()
            while try handle(try loop.next()) {}
        } catch {
            throw DaemonError(.system, "the event loop can't go on: \(error)")
        }
        stop()
    }

    /// Tells the broker what an earlier daemon left, what is configured and what is remembered.
    private func start() throws(DaemonError) {
        if let left = inheritance.take() { try restore(left) }
        if serviceManager.storeLimit == 0 {
            log.write(.warning, "no service manager keeps descriptors (FDSTORE isn't set), so \(Self.nothingSurvives)")
        }
        handle(.configured(configuration.forBroker(ofMemory: memoryByteCount)))
        do throws(DefinitionFolder.Failure) {
            let folder = try DefinitionFolder(stateDirectory: configuration.stateDirectory)
            let recalled = try folder.recall()
            definitions = consume folder
            for problem in recalled.problems { log.write(.warning, "\(problem), ignoring") }
            for definition in recalled.definitions { handle(.recalled(definition)) }
        } catch {
            log.write(.warning, "\(error), so segments that clients make are forgotten at the end")
        }
    }

    /// Handles one occurrence; false: the daemon is to end.
    private func handle(_ occurrence: EventLoop.Occurrence) throws(Errno) -> Bool {
        switch occurrence {
        case .signal(SIGHUP): reload()
        case .signal(let signal):
            log.write(.notice, "ending on \(signal == SIGTERM ? "SIGTERM" : "SIGINT")")
            return false
        case .readable(.listener, _): try accept()
        case .readable(.worker, _): takeOutcomes()
        case .readable(.peer(let id), let isHungUp): read(id, isHungUp: isHungUp)
        case .readable(.process(let identity), _): end(identity)
        case .readable(.barrier(let number), _): pass(number, isLate: false)
        case .fired(.barrier(let number)): pass(number, isLate: true)
        case .fired(.pause): try resumeAccepting()
        case .fired(.status): statusPause = nil
        case .fired(.retired): lookAtRetired()
        case .readable, .fired: break
        }
        tellOfMissingPages()
        if hasDropped {
            hasDropped = false
            try resumeAccepting()
        }
        try serveWhenReady()
        try tellStatus()
        return true
    }

    /// Lets the broker decide on `event` and carries out what it decides, until nothing more follows.
    func handle(_ event: Broker.Event) {
        events.append(event)
        decide()
    }

    /// Lets the broker decide on all that has happened.
    func decide() {
        while !events.isEmpty {
            for effect in broker.handle(events.removeFirst()) { carryOut(effect) }
        }
    }

    /// Says how the daemon ends, and removes its socket's path.
    private func stop() {
        tell { (manager) throws(Errno) in try manager.stopping() }
        if !memory.isEmpty {
            log.write(
                .notice,
                serviceManager.storeLimit == 0
                    ? "\(Self.count(memory.count, "segment")) lost"
                    : "\(Self.count(memory.count, "segment")) kept for the next start, if this is a restart: stopping "
                        + "the service gives them up")
        }
        listenerSource = nil
        do throws(Errno) {
            try listener.take()?.close()
        } catch {
            log.write(.warning, "\(configuration.socketPath) can't be removed: \(error), ignoring")
        }
    }
}
