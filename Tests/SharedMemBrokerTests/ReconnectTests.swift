import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// Sessions that are taken up again, and requests that are sent again.
struct ReconnectTests {
    /// A stage with session 1 of process 1, which can write segment 1.
    private func writer() throws -> (stage: Stage, peer: PeerID) {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session()
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        return (stage, peer)
    }

    /// A RECONNECT to session 1.
    private func reconnect(_ token: SessionToken, session: UInt32 = 1, majors: ClosedRange<UInt16> = 1...1) -> Request {
        .reconnect(Reconnect(majors: majors, features: .max, session: session, token: token))
    }

    @Test func tokenTakesALeftSessionUp() throws {
        var (stage, peer) = try writer()
        _ = stage.hangUp(peer)
        let (next, _) = stage.connect(process: 1)
        let welcome = Stage.welcome(1, over: peer, features: ProtocolLimits.features)
        #expect(
            stage.send(reconnect(Stage.token(of: peer)), from: next) == [
                .save, .reply(next, requestID: stage.lastRequestID, .reconnected(welcome)), .statusChanged,
            ])
        #expect(stage.send(.detach(segmentID: 1), from: next).failure?.error == EINVAL)
        #expect(stage.send(.attach(try name("a"), .readWrite), from: next).failure == nil)
        #expect(stage.broker.contradictions == [])
    }

    @Test func reconnectReplacesTheOldConnection() throws {
        var (stage, peer) = try writer()
        let (next, _) = stage.connect(process: 1)
        let effects = stage.send(reconnect(Stage.token(of: peer)), from: next)
        #expect(effects.first == .close(peer))
        #expect(effects.reply == .reconnected(Stage.welcome(1, over: peer, features: ProtocolLimits.features)))
        #expect(stage.send(.list(after: nil), from: peer) == [])
        #expect(stage.hangUp(peer) == [])
        #expect(stage.send(.list(after: nil), from: next).reply != nil)
        #expect(stage.broker.contradictions == [])
    }

    @Test func strangersDontTakeASessionUp() throws {
        var (stage, peer) = try writer()
        let token = Stage.token(of: peer)
        let wrong = SessionToken(high: token.high, low: token.low + 1)
        for (process, session, shown, error) in [
            (Int32(1), UInt32(9), token, ENOENT), (1, 1, wrong, ESTALE), (2, 1, token, ESTALE),
        ] {
            let (next, _) = stage.connect(process: process)
            #expect(stage.send(reconnect(shown, session: session), from: next).failure?.error == error)
            #expect(stage.send(.list(after: nil), from: peer).reply != nil, "the old connection is as it was")
            #expect(stage.send(Stage.hello(), from: next).failure == nil, "HELLO may follow")
            _ = stage.hangUp(next)
        }
    }

    @Test func reconnectSpeaksAProtocolAndComesFirst() throws {
        var (stage, peer) = try writer()
        let (next, _) = stage.connect(process: 1)
        let effects = stage.send(reconnect(Stage.token(of: peer), majors: 2...3), from: next)
        #expect(effects.failure?.error == EPROTONOSUPPORT)
        #expect(effects.disconnect?.peer == next)
        #expect(
            stage.send(reconnect(Stage.token(of: peer)), from: peer).disconnect?.reason
                == "process 1 of uid 1000 sent RECONNECT in a session, expected it first")
    }

    // MARK: requests that come again

    @Test func createIsDoneOnce() throws {
        var (stage, peer) = try writer()
        let create = Request.create(try definition("n"))
        let segmentID = try stage.create(try definition("n"), from: peer)
        let requestID = stage.lastRequestID
        _ = stage.hangUp(peer)
        let (next, _) = stage.connect(process: 1)
        _ = stage.send(reconnect(Stage.token(of: peer)), from: next)
        #expect(
            stage.broker.handle(.received(next, requestID: requestID, create)) == [
                .reply(next, requestID: requestID, .created(segmentID: segmentID))
            ])
        #expect(stage.send(create, from: next).failure?.error == EEXIST)
    }

    @Test func createThatComesAgainWhileItIsDoneIsAnsweredOverTheNewConnection() throws {
        for isHungUp in [true, false] {
            var stage = Stage()
            let peer = stage.session()
            let create = Request.create(try definition("n"))
            let segmentID = try #require(stage.send(create, from: peer).madeSegmentID)
            let requestID = stage.lastRequestID
            if isHungUp { _ = stage.hangUp(peer) }
            let (next, _) = stage.connect(process: 1)
            _ = stage.send(reconnect(Stage.token(of: peer)), from: next)
            #expect(stage.broker.handle(.received(next, requestID: requestID, create)) == [])
            let replies = stage.made(segmentID).filter { if case .reply = $0 { true } else { false } }
            #expect(replies == [.reply(next, requestID: requestID, .created(segmentID: segmentID))])
        }
    }

    @Test func createThatWasDoneWhileNobodyListenedIsKnown() throws {
        var stage = Stage()
        let peer = stage.session()
        let create = Request.create(try definition("n"))
        let segmentID = try #require(stage.send(create, from: peer).madeSegmentID)
        let requestID = stage.lastRequestID
        _ = stage.hangUp(peer)
        _ = stage.made(segmentID)
        let (next, _) = stage.connect(process: 1)
        _ = stage.send(reconnect(Stage.token(of: peer)), from: next)
        #expect(
            stage.broker.handle(.received(next, requestID: requestID, create)).reply == .created(segmentID: segmentID))
    }

    @Test func removeIsDoneOnce() throws {
        var (stage, peer) = try writer()
        _ = try stage.create(try definition("n"), from: peer)
        let remove = Request.remove(try name("n"))
        #expect(stage.send(remove, from: peer).reply == .removed)
        let again = stage.broker.handle(.received(peer, requestID: stage.lastRequestID, remove))
        #expect(again == [.reply(peer, requestID: stage.lastRequestID, .removed)])
        #expect(stage.send(remove, from: peer).failure?.error == ENOENT)
    }

    @Test func requestsAreCountedAnewBehindHello() throws {
        var (stage, peer) = try writer()
        _ = try stage.create(try definition("n"), from: peer)
        let requestID = stage.lastRequestID
        _ = stage.hangUp(peer)
        let next = stage.session(process: 1)
        let effects = stage.broker.handle(.received(next, requestID: requestID, .create(try definition("n"))))
        #expect(effects.failure?.error == EEXIST)
    }

    @Test func failedCreateIsTriedAgain() throws {
        var stage = Stage()
        let peer = stage.session()
        let create = Request.create(try definition("n"))
        let segmentID = try #require(stage.send(create, from: peer).madeSegmentID)
        _ = stage.broker.handle(.memoryFailed(segmentID: segmentID, error: ENOMEM, reason: "no memory"))
        let effects = stage.broker.handle(.received(peer, requestID: stage.lastRequestID, create))
        #expect(effects.madeSegmentID == segmentID + 1)
    }
}
