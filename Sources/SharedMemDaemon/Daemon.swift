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
    /// Decides.
    var broker = Broker()
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

    /// Is told how things are.
    let serviceManager = ServiceManager()
    /// Runs for a second behind each status sentence.
    var statusPause: EventLoop.Source?
    /// Whether the last status sentence isn't true any more.
    var isStatusStale = false
    /// Whether READY=1 is owed, at the start or for a reload.
    var isReadyOwed = true

    /// Prepares everything that can fail: the socket, the worker, the folder of definitions.
    package init(source: ConfigurationSource, loaded: ConfigurationSource.Loaded, memory: UInt64) throws(DaemonError) {
        self.source = source
        configuration = loaded.configuration
        memoryByteCount = memory
        log = Log(threshold: loaded.configuration.logLevel)
        // A standard error that nobody reads any more mustn't end the daemon.
        signal(SIGPIPE, SIG_IGN)
        do throws(Errno) {
            loop = try EventLoop(signals: [SIGTERM, SIGINT, SIGHUP])
            maker = try MemoryMaker()
            makerSource = try maker.watched(by: loop)
        } catch {
            throw DaemonError(.system, "the event loop can't be made: \(error)")
        }
        log.write(.notice, "using \(loaded.origin)")
        for warning in loaded.warnings { log.write(.warning, warning) }
        do throws(Errno) {
            let limit = try Machine.raiseDescriptorLimit()
            firstReservedDescriptor = limit - min(limit / 4, Self.reservedDescriptorCount)
        } catch {
            log.write(.warning, "the limit of open descriptors can't be raised: \(error), ignoring")
        }
        var problems: [String] = []
        if let socket = try ServiceManager.takeSocket(problems: &problems) {
            listener = try Listener(adopting: socket)
        } else {
            listener = try Listener(path: configuration.socketPath)
        }
        for problem in problems { log.write(.warning, problem) }
    }

    /// Serves until SIGTERM or SIGINT comes.
    package func run() throws(DaemonError) {
        do throws(Errno) {
            start()
            try serveWhenReady()
            while try handle(try loop.next()) {}
        } catch {
            throw DaemonError(.system, "the event loop can't go on: \(error)")
        }
        stop()
    }

    /// Tells the broker what is configured and what is remembered.
    private func start() {
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
        case .fired(.pause): try resumeAccepting()
        case .fired(.status): statusPause = nil
        case .readable(.pause, _), .readable(.status, _), .fired: break
        }
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
        listenerSource = nil
        do throws(Errno) {
            try listener.take()?.close()
        } catch {
            log.write(.warning, "\(configuration.socketPath) can't be removed: \(error), ignoring")
        }
    }
}
