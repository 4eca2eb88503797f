import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// Sessions whose connection has ended, and processes that die.
struct LeftSessionTests {
    /// A stage with session 1 of process 1, which can write segment 1.
    private func writer() throws -> (stage: Stage, peer: PeerID) {
        var stage = Stage(segments: [
            try definition("a", mode: 0o666, owner: 0, group: 0), try definition("b", mode: 0o666, owner: 0, group: 0),
        ])
        let peer = stage.session(program: "importer")
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        return (stage, peer)
    }

    @Test func hangUpOfALivingProcessKeepsItsWriteRight() throws {
        var (stage, peer) = try writer()
        #expect(stage.hangUp(peer) == [.save, .statusChanged])
        #expect(stage.broker.savedState.sessions.map(\.writable) == [[1]])
        #expect(stage.broker.savedState.sessions.map(\.isAbandoned) == [true])
        #expect(stage.broker.summary.sessionCount == 0)
        #expect(stage.description(of: try name("a"))?.sessionCount == 0)
    }

    @Test func writeRightOutlivesItsAttachment() throws {
        var (stage, peer) = try writer()
        #expect(stage.send(.detach(segmentID: 1), from: peer).reply == .detached)
        #expect(
            stage.die(1).contains(
                .repair(segmentID: 1, sessions: [1], owner: "process 1 (importer) of uid 1000")))
    }

    @Test func hangUpOfAReaderEndsItsSession() throws {
        var (stage, _) = try writer()
        let reader = stage.session()
        _ = stage.send(.attach(try name("a"), .readOnly), from: reader)
        #expect(stage.hangUp(reader) == [.save, .forgetProcess(Stage.process(2)), .statusChanged])
        #expect(stage.broker.savedState.sessions.map(\.id) == [1])
    }

    @Test func deathEndsAllSessionsOfAProcess() throws {
        var (stage, first) = try writer()
        let second = stage.session(process: 1)
        _ = stage.send(.attach(try name("a"), .readWrite), from: second)
        _ = stage.send(.attach(try name("b"), .readWrite), from: second)
        let reader = stage.session(process: 1, program: "last")
        _ = stage.send(.attach(try name("a"), .readOnly), from: reader)
        _ = stage.send(.pin(segmentID: 1), from: reader)
        _ = stage.hangUp(first)
        let owner = "process 1 (last) of uid 1000"
        #expect(
            stage.die(1) == [
                .close(second), .close(reader), .unpin(segmentID: 1, session: 3),
                .repair(segmentID: 1, sessions: [1, 2], owner: owner),
                .repair(segmentID: 2, sessions: [2], owner: owner), .forgetProcess(Stage.process(1)), .save,
                .statusChanged,
            ])
        #expect(stage.broker.savedState.sessions == [])
        #expect(stage.die(1) == [])
        #expect(stage.hangUp(second) == [])
        #expect(stage.broker.contradictions == [])
    }

    @Test func deathWithoutASessionOnlyClosesTheConnection() {
        var stage = Stage()
        let peer = stage.connect().peer
        #expect(stage.die(1) == [.close(peer), .forgetProcess(Stage.process(1))])
    }

    @Test func anotherProcessWithTheSamePidIsAnotherOne() throws {
        var (stage, peer) = try writer()
        #expect(stage.broker.handle(.died(ProcessIdentity(pid: 1, mark: 7))) == [])
        #expect(stage.send(.list(after: nil), from: peer).reply != nil)
    }

    @Test func removalTakesTheRightsAndTheSessionsThatHadNothingElse() throws {
        var (stage, peer) = try writer()
        _ = stage.hangUp(peer)
        let root = stage.session(uid: 0)
        let effects = stage.send(.remove(try name("a")), from: root)
        #expect(effects.contains(.forgetProcess(Stage.process(1))))
        #expect(stage.broker.savedState.sessions.map(\.id) == [2])
        #expect(stage.die(1) == [])
    }

    @Test func helloOfTheSameProcessGoesOnWithItsLeftSession() throws {
        var (stage, peer) = try writer()
        _ = stage.hangUp(peer)
        let (next, _) = stage.connect(process: 1)
        #expect(
            stage.send(Stage.hello("again"), from: next) == [
                .save,
                .reply(next, requestID: stage.lastRequestID, .hello(Stage.welcome(1, over: next), attachment: nil)),
                .statusChanged,
            ])
        let session = try #require(stage.broker.savedState.sessions.first)
        #expect(session.program == Array("again".utf8))
        #expect(session.writable == [1])
        #expect(!session.isAbandoned)
    }

    @Test func helloBesideALivingConnectionIsAnotherSession() throws {
        var (stage, _) = try writer()
        _ = stage.session(process: 1)
        #expect(stage.broker.savedState.sessions.map(\.id) == [1, 2])
    }

    @Test func helloOfAnotherUserOrProcessIsAnotherSession() throws {
        for (uid, process) in [(UInt32(7), Int32(1)), (1000, 2)] {
            var (stage, peer) = try writer()
            _ = stage.hangUp(peer)
            _ = stage.session(uid: uid, process: process)
            #expect(stage.broker.savedState.sessions.map(\.id) == [1, 2])
        }
    }

    @Test func leftSessionsCountAgainstTheLimitOfSessions() throws {
        var broker = Broker(sessionLimit: 1)
        _ = broker.handle(
            .configured(
                Broker.Configuration(
                    segments: [try definition("a", mode: 0o666, owner: 0, group: 0)], memoryLimit: 1 << 30,
                    connectionsPerUser: 4, creators: nil)))
        _ = broker.handle(.memoryMade(segmentID: 1, dataByteCount: 4096, lockByteCount: 4096, createdAt: 1))
        let hello = Request.hello(
            Hello(
                majors: 1...1, features: 0, program: [], attach: .init(segment: try name("a"), access: .readWrite)))
        for number in [UInt64(1), 2] {
            let peer = PeerID(rawValue: number)
            let process = Stage.process(Int32(number))
            let identity = PeerIdentity(pid: process.pid, uid: 1, gid: 1, groups: [])
            _ = broker.handle(.connected(peer, identity, process, Stage.token(of: peer), at: 1))
            let effects = broker.handle(.received(peer, requestID: 1, hello))
            #expect(effects.failure?.error == (number == 1 ? nil : EDQUOT))
            _ = broker.handle(.hungUp(peer))
        }
        #expect(broker.contradictions == [])
    }

    @Test func namesOfProgramsAreFitForTheLog() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session(program: "x\n<3>\u{1b}[2J\u{202e}é")
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        #expect(
            stage.die(1).contains(
                .repair(segmentID: 1, sessions: [1], owner: "process 1 (x?<3>?[2J?é) of uid 1000")))
    }
}
