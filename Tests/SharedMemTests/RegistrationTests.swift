import Foundation
import SharedMem
import SharedMemProtocol
import SharedMemStore
import TestSupport
import Testing

/// What the daemon is asked for those who wait and watch, over a daemon whose every answer the test decides.
@Suite(.serialized) struct RegistrationTests {
    let daemon: ScriptedDaemon

    init() throws { daemon = try ScriptedDaemon() }

    private static var patience: Duration { .seconds(60) }

    private func open(_ access: Segment.Access = .readWrite) throws -> Segment {
        try Segment.open("default", access: access, socketPath: daemon.socketPath)
    }

    /// A wait on a thread of its own, which has asked the daemon when this returns.
    private func begin(_ segment: Segment, for key: String, after version: UInt64) throws -> SecondThread {
        let before = daemon.count(.watch)
        let thread = SecondThread {
            guard try segment.wait(for: key, after: version, timeout: Self.patience) != nil else { throw InVain() }
        }
        try wait { daemon.count(.watch) > before }
        return thread
    }

    private struct InVain: Error {}

    @Test func waitThatNeedntSleepAsksNobody() throws {
        let segment = try open()
        try segment.set("key", to: [1])
        _ = try segment.wait(for: "key", after: 0)
        _ = try segment.wait(for: "key", after: 1, timeout: .zero)
        #expect(daemon.count(.watch) == 0)
    }

    @Test func waitsInALoopAskOnce() throws {
        let (segment, other) = (try open(.readOnly), try open())
        var version: UInt64 = 0
        for round in 0..<5 {
            let last = version
            let thread = SecondThread {
                guard try segment.wait(for: "key", after: last, timeout: Self.patience) != nil else {
                    throw InVain()
                }
            }
            if round == 0 { try wait { daemon.count(.watch) == 1 } }
            version = try other.set("key", to: [1])
            try thread.join()
        }
        #expect(daemon.count(.watch) == 1 && daemon.count(.unwatch) == 0)
        // In vain: given back.
        #expect(try segment.wait(for: "key", after: version, timeout: .milliseconds(1)) == nil)
        try wait { daemon.count(.unwatch) == 1 }
        #expect(watchRequests == unwatchRequests)
    }

    private var watchRequests: [WatchRequest] {
        daemon.requests.compactMap { if case .watch(let watch) = $0 { watch } else { nil } }
    }
    private var unwatchRequests: [WatchRequest] {
        daemon.requests.compactMap { if case .unwatch(let watch) = $0 { watch } else { nil } }
    }

    @Test func keptRegistrationsGoWithTheHandle() throws {
        let session = try Session(socketPath: daemon.socketPath)
        do {
            let (segment, other) = (try session.open("default"), try open())
            for key in ["a", "b", "c"] {
                let thread = try begin(segment, for: key, after: 0)
                try other.set(key, to: [1])
                try thread.join()
            }
            #expect(daemon.count(.unwatch) == 0)
        }
        try wait { unwatchRequests.reduce(WatchSet()) { $0.union($1.words) }.stripes.nonzeroBitCount == 3 }
    }

    @Test func handlesOfOneSessionShareWhatTheyAskedFor() throws {
        let session = try Session(socketPath: daemon.socketPath)
        let handles = try (0..<3).map { _ in try session.open("default") }
        var watches = try handles.map { try $0.watch("key") } + handles.map { try $0.watch(prefix: "") }
        #expect(watchRequests.map(\.words.segment) == [false, true])
        watches.removeLast(5)
        try wait { daemon.count(.unwatch) == 1 }
        watches.removeAll()
        try wait { daemon.count(.unwatch) == 2 }
        _ = try handles[0].watch("key")
        #expect(daemon.count(.watch) == 3)
    }

    @Test func daemonThatCantWatchIsNamed() throws {
        daemon.with { $0.features = ProtocolLimits.pinsFeature }
        let segment = try open()
        let error = try #require(error { try segment.wait(for: "key", after: 0) })
        #expect(error.code == .versionSkew)
        #expect(
            error.description
                == "the daemon at \(daemon.socketPath) doesn't know how to watch: install a later sharedmemd")
        #expect(failure { try segment.watch(prefix: "") } == .versionSkew)
        // What needs no watch works.
        try segment.set("key", to: [1])
        #expect(try segment.wait(for: "key", after: 0) != nil)
        #expect(daemon.count(.watch) == 0 && daemon.count(.unwatch) == 0)
    }

    @Test func segmentThatIsBeingMovedIsAskedAgain() throws {
        let segment = try open()
        daemon.with { $0.staleWatchCount = 3 }
        let watch = try segment.watch("key")
        #expect(daemon.count(.watch) == 4)
        try open().set("key", to: [1])
        #expect(try watch.next(timeout: Self.patience) != nil)
    }

    /// A signal ends a call that waits for the daemon, and must not give it the whole time anew.
    @Test func silentDaemonIsntWaitedForAsLongAsSignalsCome() throws {
        let segment = try open()
        daemon.with { $0.isSilent = true }
        let signals = try RepeatedSignals()
        let found = try segment.wait(for: "key", after: 0, timeout: .milliseconds(100))
        #expect(signals.stop(), "the wait goes on as long as signals come")
        #expect(found == nil)
    }

    /// Makes the next generation the current one and retires the last one, as the daemon does.
    private func move(to generation: UInt64) throws {
        let old = try #require(daemon.with { $0.segments["default"] })
        try daemon.add("default", id: 1, generation: generation)
        try old.retire()
    }

    @Test(arguments: [Segment.Access.readOnly, .readWrite]) func watchesGoOnInTheNewGeneration(
        _ access: Segment.Access
    ) throws {
        let segment = try open(access)
        try open().set("key", to: [1])
        let (key, all) = (try segment.watch("key"), try segment.watch(prefix: ""))
        let thread = try begin(segment, for: "late", after: 0)
        for generation in 2...4 as ClosedRange<UInt64> {
            try move(to: generation)
            let other = try open()
            // Values and versions come along, which this daemon doesn't do.
            for _ in 1...(10 * generation) { try other.set("key", to: [1]) }
            let found = try #require(try all.next(timeout: Self.patience))
            #expect(found.isListing && found.changes.count == 1)
            #expect(try key.next(timeout: Self.patience)?.changes.map(\.kind) == [.set])
            try other.set("key", to: [1])
            #expect(try key.next(timeout: Self.patience)?.changes.map(\.kind) == [.set])
            #expect(try all.next(timeout: Self.patience)?.isListing == false)
        }
        try open().set("late", to: [1])
        try thread.join()
    }

    @Test func watchesGoOnWhenTheDaemonIsBack() throws {
        let segment = try open(.readOnly)
        segment.graceTime = nil
        let other = try open()
        other.graceTime = nil
        let (key, all) = (try segment.watch("key"), try segment.watch(prefix: ""))
        daemon.stop()
        // Writers know what is watched, with or without a daemon.
        try other.set("key", to: [1])
        #expect(try key.next(timeout: Self.patience)?.changes.count == 1)
        #expect(try all.next(timeout: Self.patience)?.isListing == false)
        let before = daemon.count(.watch)
        try daemon.start()
        // Said anew over the new connection.
        try wait {
            _ = try key.poll()
            return daemon.count(.watch) > before
        }
        try other.set("key", to: [1])
        #expect(try key.next(timeout: Self.patience)?.changes.count == 1)
        #expect(try all.next(timeout: Self.patience) != nil)
    }

    @Test func watchesGoOnWithADaemonThatHasForgottenAll() throws {
        let segment = try open()
        segment.graceTime = nil
        for _ in 0..<9 { try segment.set("key", to: [1]) }
        let (key, all) = (try segment.watch("key"), try segment.watch(prefix: ""))
        let waiting = SecondThread {
            guard try segment.wait(for: "key", after: 9, timeout: Self.patience) != nil else { throw InVain() }
        }
        try wait { daemon.count(.watch) >= 2 }
        daemon.stop()
        try daemon.add("default", id: 7)
        try daemon.start(forgets: true)
        // The versions of another segment can't be compared: who waits is told.
        try waiting.join()
        #expect(try key.next(timeout: Self.patience)?.changes.map(\.kind) == [.deleted])
        let found = try #require(try all.next(timeout: Self.patience))
        #expect(found.isListing && found.changes.isEmpty)
        try open().set("key", to: [1])
        #expect(try key.next(timeout: Self.patience)?.changes.map(\.kind) == [.set])
        #expect(try all.next(timeout: Self.patience)?.changes.count == 1)
    }

    @Test func waitEndsAfterTheGraceTimeAndWorksAgainWithADaemon() throws {
        let segment = try open()
        segment.graceTime = .milliseconds(100)
        let watch = try segment.watch(prefix: "")
        let thread = try begin(segment, for: "key", after: 0)
        daemon.stop()
        #expect(failure { try thread.join() } == .notConnected)
        #expect(failure { try watch.next(timeout: Self.patience) } == .notConnected)
        try daemon.start()
        try wait { failure { try watch.next(timeout: .milliseconds(1)) } == nil }
        try segment.set("key", to: [1])
        #expect(try segment.wait(for: "key", after: 0) != nil)
        #expect(try watch.next(timeout: Self.patience) != nil)
    }

    /// Giving a watch up waits for no daemon, and what is owed is said when there is one.
    @Test func watchIsGivenUpWithoutADaemon() throws {
        let segment = try open()
        segment.graceTime = nil
        do {
            let watches = [try segment.watch("key"), try segment.watch(prefix: "")]
            daemon.stop()
            _ = try watches[0].poll()
        }
        #expect(daemon.count(.unwatch) == 0)
        try daemon.start()
        try wait {
            _ = try segment.get("key")
            return daemon.count(.unwatch) > 0
        }
        let words = try #require(unwatchRequests.last).words
        #expect(words == WatchSet(stripes: .max, segment: true))
    }

    /// The daemon ends the connection and takes back what it watched for it.
    @Test func lostRegistrationIsNoticed() throws {
        let segment = try open(.readOnly)
        let other = try open()
        let all = try segment.watch(prefix: "")
        try #require(daemon.with { $0.segments["default"] }).watch(nil)
        try other.set("key", to: [1])
        let found = try #require(try all.next(timeout: Self.patience))
        #expect(found.isListing && found.changes.count == 1)
        #expect(daemon.count(.watch) == 2)
        try other.set("key", to: [1])
        #expect(try all.next(timeout: Self.patience)?.isListing == false)
    }

    /// Whether a descriptor becomes readable within a minute.
    private func becomesReadable(_ descriptor: Int32) -> Bool {
        var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&query, 1, 60_000) == 1
    }

    @Test func descriptorTellsOfAMoveAndOfADaemonThatIsGone() throws {
        let segment = try open(.readOnly)
        let watches = [try segment.watch("key"), try segment.watch(prefix: "")]
        for watch in watches {
            #expect(becomesReadable(try watch.eventDescriptor()))
            #expect(try watch.poll() == nil)
        }
        try move(to: 2)
        for _ in 0..<9 { try open().set("key", to: [1]) }
        for watch in watches {
            var found: SegmentChanges?
            while found == nil, becomesReadable(try watch.eventDescriptor()) { found = try watch.poll() }
            #expect(found?.changes.map(\.kind) == [.set])
        }
        segment.graceTime = .milliseconds(200)
        daemon.stop()
        for watch in watches {
            let descriptor = try watch.eventDescriptor()
            try wait {
                guard becomesReadable(descriptor) else { return false }
                return failure { try watch.poll() } == .notConnected
            }
        }
        try daemon.start()
        for watch in watches {
            let descriptor = try watch.eventDescriptor()
            try wait {
                guard becomesReadable(descriptor) else { return false }
                return failure { try watch.poll() } == nil
            }
        }
    }
}
