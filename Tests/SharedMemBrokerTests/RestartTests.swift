import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// Brokers that go on where another one stopped.
struct RestartTests {
    /// Segments a (configured) and b (a client's); session 1 of process 1 writes both, session 2 of process 2 reads a.
    private func stage() throws -> Stage {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let (writer, reader) = (stage.session(program: "writer"), stage.session())
        _ = try stage.create(try definition("b", mode: 0o660), from: writer)
        for name in try [name("a"), name("b")] { _ = stage.send(.attach(name, .readWrite), from: writer) }
        _ = stage.send(.attach(try name("a"), .readOnly), from: reader)
        return stage
    }

    /// What this stage's configuration says.
    private func configuration() throws -> Broker.Configuration {
        Broker.Configuration(
            segments: [try definition("a", mode: 0o666, owner: 0, group: 0)], memoryLimit: 1 << 30,
            connectionsPerUser: 4, creators: nil)
    }

    /// Lets another broker go on in a stage.
    private func restart(
        _ stage: inout Stage, living: Set<Int32> = [1, 2], kept: Set<UInt64> = [1, 2]
    ) -> [Broker.Effect] {
        let state = stage.broker.savedState
        stage.broker = Broker(startedAt: 77)
        return stage.broker.handle(.restored(state, living: Set(living.map(Stage.process)), kept: kept))
    }

    @Test func allIsAsItWas() throws {
        var stage = try stage()
        var before = stage.broker.savedState
        let effects = restart(&stage)
        before.restartCount = 1
        #expect(stage.broker.savedState == before)
        #expect(
            effects == [
                .restoreWatched(segmentID: 1, WatchSet()), .restoreWatched(segmentID: 2, WatchSet()),
                .log(
                    .notice,
                    "took over 2 segments and 2 sessions from an earlier daemon; 0 segments are lost, 0 processes "
                        + "have ended"), .save, .statusChanged,
            ])
        #expect(stage.broker.handle(.configured(try configuration())) == [])
        #expect(stage.broker.handle(.recalled(try definition("b", mode: 0o660, owner: 1000, group: 100))) == [])
        #expect(stage.broker.contradictions == [])
    }

    @Test func idsGoOn() throws {
        var stage = try stage()
        _ = restart(&stage)
        _ = stage.broker.handle(.configured(try configuration()))
        #expect(stage.broker.savedState.sessions.map(\.id) == [1, 2])
        let peer = stage.session()
        #expect(stage.broker.savedState.sessions.map(\.id) == [1, 2, 3])
        #expect(try stage.create(try definition("c"), from: peer) == 3)
    }

    @Test func restoredSessionIsTakenUpWithItsToken() throws {
        var stage = try stage()
        _ = restart(&stage)
        _ = stage.broker.handle(.configured(try configuration()))
        let (next, _) = stage.connect(process: 1)
        let reconnect = Reconnect(majors: 1...1, features: 0, session: 1, token: SessionToken(high: 7, low: 1))
        #expect(stage.send(.reconnect(reconnect), from: next).reply != nil)
        guard case .attached(let attachment) = stage.send(.attach(try name("b"), .readWrite), from: next).reply else {
            Issue.record("the session isn't attached")
            return
        }
        #expect(attachment.segmentID == 2)
    }

    @Test func restoredSessionIsNotTakenUpByHello() throws {
        var stage = try stage()
        _ = restart(&stage)
        _ = stage.broker.handle(.configured(try configuration()))
        _ = stage.session(process: 1)
        #expect(stage.broker.savedState.sessions.map(\.id) == [1, 2, 3])
    }

    @Test func deadProcessesAreRepairedBeforeTheyAreForgotten() throws {
        var stage = try stage()
        let effects = restart(&stage, living: [2])
        let owner = "process 1 (writer) of uid 1000"
        #expect(
            effects.prefix(2) == [
                .repair(segmentID: 1, sessions: [1], owner: owner), .repair(segmentID: 2, sessions: [1], owner: owner),
            ])
        #expect(effects.dropLast().last == .save)
        #expect(stage.broker.savedState.sessions.map(\.id) == [2])
        #expect(stage.broker.handle(.ownerFound(segmentID: 1, owner: 1)) == [], "its repair is under way")
    }

    @Test func lostSegmentIsMadeAgainUnderANewID() throws {
        var stage = try stage()
        let effects = restart(&stage, kept: [])
        #expect(
            effects.logged(.error)
                == ["a", "b"].map {
                    "the values of segment \($0) are lost: its memory was not kept; it is made again, empty"
                })
        #expect(stage.broker.savedState.segments == [])
        #expect(stage.broker.savedState.sessions.map(\.writable) == [[], []])
        let made = stage.broker.handle(.configured(try configuration()))
        #expect(made.madeSegmentIDs == [3, 4])
        let definition = try definition("b", mode: 0o660, owner: 1000, group: 100)
        #expect(made.contains(.makeMemory(segmentID: 4, definition)))
        #expect(stage.made(4).contains(.remember(definition)))
    }

    @Test func changedPermissionsAreKept() throws {
        var stage = try stage()
        var changed = try configuration()
        changed.segments[0].mode = 0o644
        _ = stage.broker.handle(.configured(changed))
        _ = restart(&stage)
        #expect(stage.broker.handle(.configured(changed)) == [])
        #expect(stage.broker.savedState.segments.first?.definition.mode == 0o644)
    }

    @Test func livingOwnersOfLockWordsKeepThem() throws {
        var stage = try stage()
        _ = restart(&stage)
        #expect(stage.broker.handle(.ownerFound(segmentID: 1, owner: 1)) == [])
        #expect(stage.broker.handle(.configured(try configuration())) == [])
    }

    @Test(arguments: [2, 99]) func otherOwnersOfLockWordsAreReplacedWhenTheLimitIsKnown(owner: UInt32) throws {
        var stage = try stage()
        _ = restart(&stage)
        #expect(stage.broker.handle(.ownerFound(segmentID: 1, owner: owner)).logged(.warning).count == 1)
        let wanted = try definition("a", mode: 0o666, owner: 0, group: 0)
        #expect(
            stage.broker.handle(.configured(try configuration()))
                == [.makeGeneration(segmentID: 1, generation: 2, wanted, from: owner)])
    }

    @Test func leftSessionIsStillLeftBehindARestart() throws {
        var stage = try stage()
        _ = stage.hangUp(PeerID(rawValue: 1))
        _ = restart(&stage)
        #expect(stage.broker.summary.sessionCount == 1)
        #expect(stage.broker.handle(.ownerFound(segmentID: 1, owner: 1)).logged(.warning).count == 1)
        #expect(stage.broker.contradictions == [])
    }

    @Test func doneChangeIsKnownBehindARestart() throws {
        var stage = Stage()
        let peer = stage.session()
        let segmentID = try stage.create(try definition("b"), from: peer)
        let requestID = stage.lastRequestID
        _ = restart(&stage, living: [1], kept: [segmentID])
        _ = stage.broker.handle(.configured(try configuration()))
        let (next, _) = stage.connect(process: 1)
        let reconnect = Reconnect(majors: 1...1, features: 0, session: 1, token: Stage.token(of: peer))
        _ = stage.send(.reconnect(reconnect), from: next)
        let effects = stage.broker.handle(.received(next, requestID: requestID, .create(try definition("b"))))
        #expect(effects == [.reply(next, requestID: requestID, .created(segmentID: segmentID))])
    }

    // MARK: pins that an earlier daemon set

    @Test func foundPinIsGivenBackWithoutAnAttachment() throws {
        var stage = try stage()
        _ = restart(&stage)
        #expect(stage.broker.handle(.pinFound(segmentID: 1, session: 2)) == [])
        _ = stage.broker.handle(.configured(try configuration()))
        let (next, _) = stage.connect(process: 2)
        let reconnect = Reconnect(majors: 1...1, features: 0, session: 2, token: SessionToken(high: 7, low: 2))
        _ = stage.send(.reconnect(reconnect), from: next)
        let effects = stage.send(.unpin(segmentID: 1), from: next)
        #expect(effects.contains(.unpin(segmentID: 1, session: 2)))
        #expect(effects.reply == .unpinned)
        #expect(stage.broker.contradictions == [])
    }

    @Test func foundPinEndsWithItsProcess() throws {
        var stage = try stage()
        _ = restart(&stage)
        _ = stage.broker.handle(.pinFound(segmentID: 1, session: 2))
        #expect(stage.die(2).contains(.unpin(segmentID: 1, session: 2)))
    }

    @Test func foundPinOfNobodyIsTakenAwayAndAWritersIsItsOwn() throws {
        var stage = try stage()
        _ = restart(&stage, living: [1])
        #expect(stage.broker.handle(.pinFound(segmentID: 1, session: 2)) == [.unpin(segmentID: 1, session: 2)])
        #expect(stage.broker.handle(.pinFound(segmentID: 1, session: 1)) == [])
        #expect(!stage.die(1).contains(.unpin(segmentID: 1, session: 1)))
    }

    @Test func stateThatSaysTwiceWhatIsOnceIsSurvived() throws {
        let stage = try stage()
        var state = stage.broker.savedState
        state.segments.append(state.segments[0])
        state.segments[2].id = 9
        state.sessions.append(state.sessions[0])
        state.nextSegmentID = 0
        var broker = Broker()
        let effects = broker.handle(
            .restored(state, living: [Stage.process(1), Stage.process(2)], kept: [1, 2, 9]))
        #expect(effects.logged(.error).count == 2)
        #expect(effects.contains(.releaseMemory(segmentID: 9)))
        #expect(broker.contradictions == [])
        #expect(broker.handle(.restored(state, living: [], kept: [])).logged(.error).count == 1)
    }
}
