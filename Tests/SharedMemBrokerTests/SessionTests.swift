import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

struct SessionTests {
    /// Makes a HELLO.
    private func hello(_ majors: ClosedRange<UInt16> = 1...1, attach: Hello.Attach? = nil) -> Request {
        .hello(Hello(majors: majors, features: .max, program: [], attach: attach))
    }

    @Test func firstRequestMustBeHello() throws {
        let others: [Request] = [
            .attach(try name("a"), .readOnly), .detach(segmentID: 1), .create(try definition("a")),
            .remove(try name("a")), .list(after: nil), .show(try name("a")),
        ]
        for request in others {
            var stage = Stage()
            let peer = stage.connect().peer
            let effects = stage.send(request, from: peer)
            #expect(
                effects == [
                    .forgetProcess(Stage.process(1)),
                    .disconnect(
                        peer, reason: "process 1 of uid 1000 sent another request first, expected HELLO"),
                ])
        }
    }

    @Test func secondHelloEndsTheConnection() {
        var stage = Stage()
        let peer = stage.session()
        let effects = stage.send(hello(), from: peer)
        #expect(
            effects == [
                .save, .forgetProcess(Stage.process(1)),
                .disconnect(peer, reason: "process 1 of uid 1000 sent HELLO again, expected it once"), .statusChanged,
            ])
        #expect(stage.broker.summary.sessionCount == 0)
    }

    @Test(arguments: [2...3, 2...2, 0...0, UInt16.max...UInt16.max])
    func unknownProtocolIsRefusedInWords(majors: ClosedRange<UInt16>) {
        var stage = Stage()
        let peer = stage.connect().peer
        let effects = stage.send(hello(majors), from: peer)
        #expect(effects.count == 3)
        #expect(effects.failure?.error == EPROTONOSUPPORT)
        #expect(
            effects.failure?.text == "the client speaks protocols \(majors.lowerBound) to \(majors.upperBound), "
                + "expected one that the daemon speaks: 1 to 1")
        #expect(effects.disconnect?.peer == peer)
    }

    @Test(arguments: [1...1, 0...1, 1...9, 0...UInt16.max])
    func commonProtocolIsTaken(majors: ClosedRange<UInt16>) {
        var stage = Stage()
        let peer = stage.connect().peer
        let effects = stage.send(hello(majors), from: peer)
        #expect(
            effects == [
                .save,
                .reply(
                    peer, requestID: 1,
                    .hello(Stage.welcome(1, over: peer, features: ProtocolLimits.features), attachment: nil)),
                .statusChanged,
            ])
    }

    /// Begins a session and returns its id.
    private func begin(_ number: UInt64, in broker: inout Broker) -> UInt32? {
        let peer = PeerID(rawValue: number)
        connect(peer, to: &broker)
        guard case .hello(let welcome, _) = broker.handle(.received(peer, requestID: 1, hello())).reply else {
            return nil
        }
        return welcome.session
    }

    /// Connects a process of root.
    private func connect(_ peer: PeerID, to broker: inout Broker) {
        _ = broker.handle(
            .connected(
                peer, PeerIdentity(pid: 1, uid: 0, gid: 0, groups: []), Stage.process(1), Stage.token(of: peer), at: 1))
    }

    @Test func sessionIDsFitALockWord() {
        var broker = Broker(firstSessionID: 0x3fff_fffd)
        #expect((1...4).map { begin($0, in: &broker) } == [0x3fff_fffd, 0x3fff_fffe, 1, 2])
        for first in [0, 0x3fff_ffff, UInt32.max] {
            var broker = Broker(firstSessionID: first)
            #expect(begin(1, in: &broker) == 1)
        }
    }

    @Test func sessionIDsSkipLiveOnesAndComeBackLate() {
        var broker = Broker(sessionIDs: 1..<5)
        #expect((1...3).map { begin($0, in: &broker) } == [1, 2, 3])
        _ = broker.handle(.hungUp(PeerID(rawValue: 2)))
        #expect(begin(4, in: &broker) == 4)
        #expect(begin(5, in: &broker) == 2)
        #expect(begin(6, in: &broker) == nil)
        #expect(broker.contradictions == [])
    }

    @Test func sessionsAreLimitedInAll() {
        var broker = Broker(sessionLimit: 2)
        #expect((1...2).map { begin($0, in: &broker) } == [1, 2])
        let peer = PeerID(rawValue: 3)
        connect(peer, to: &broker)
        let text = "the daemon keeps 2 sessions already, expected another attempt when one of them has ended"
        #expect(
            broker.handle(.received(peer, requestID: 1, hello())) == [
                .reply(peer, requestID: 1, .failure(Failure(error: EDQUOT, needed: 3, available: 2, text: text)))
            ])
        _ = broker.handle(.hungUp(PeerID(rawValue: 1)))
        #expect(broker.handle(.received(peer, requestID: 2, hello())).failure == nil)
        #expect(broker.summary.sessionCount == 2)
    }

    @Test func helloCarriesTheFirstAttach() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o604, owner: 0, group: 0)])
        let peer = stage.connect().peer
        let wanted = Hello.Attach(segment: try name("a"), access: .readOnly)
        let effects = stage.send(hello(attach: wanted), from: peer)
        let attachment = Attachment(
            segmentID: 1, generation: 1, dataByteCount: 1 << 20, lockByteCount: 0, access: .readOnly)
        let reply = Reply.hello(
            Stage.welcome(1, over: peer, features: ProtocolLimits.features), attachment: attachment)
        #expect(
            effects == [
                .save, .replyWithMemory(peer, requestID: 1, reply, segmentID: 1, .readOnly), .statusChanged,
            ])
        #expect(stage.description(of: try name("a"))?.sessionCount == 1)
    }

    @Test(arguments: [("a", Access.readWrite, EACCES), ("b", .readOnly, ENOENT)])
    func refusedFirstAttachLeavesTheSession(segment: String, access: Access, error: Int32) throws {
        var stage = Stage(segments: [try definition("a", mode: 0o604, owner: 0, group: 0)])
        let peer = stage.connect().peer
        let wanted = Hello.Attach(segment: try name(segment), access: access)
        let replies = stage.send(hello(attach: wanted), from: peer).replies
        #expect(replies.count == 2)
        let welcome = Stage.welcome(1, over: peer, features: ProtocolLimits.features)
        #expect(replies.first == .hello(welcome, attachment: nil))
        guard case .failure(let failure) = replies.last else {
            Issue.record("the second reply is \(replies)")
            return
        }
        #expect(failure.error == error)
        #expect(stage.send(.list(after: nil), from: peer).reply != nil)
    }

    @Test func connectionsAreCountedForEachUser() {
        var stage = Stage(connectionsPerUser: 2)
        let first = stage.connect(uid: 7).peer
        #expect(stage.connect(uid: 7).effects == [])
        let third = stage.connect(uid: 7)
        #expect(
            third.effects == [
                .disconnect(
                    third.peer,
                    reason: "process 3 of uid 7 connected while uid 7 holds 2 connections, expected at most 2"),
                .forgetProcess(Stage.process(3)),
            ])
        #expect(stage.send(hello(), from: third.peer) == [])
        #expect(stage.connect(uid: 8).effects == [])
        _ = stage.broker.handle(.hungUp(third.peer))
        #expect(stage.connect(uid: 7).effects.disconnect != nil)
        _ = stage.broker.handle(.hungUp(first))
        #expect(stage.connect(uid: 7).effects == [])
        for _ in 0..<20 { #expect(stage.connect(uid: 0).effects == []) }
        #expect(stage.broker.contradictions == [])
    }

    @Test func nothingIsAllowedBeforeTheConfiguration() throws {
        var broker = Broker()
        let peer = PeerID(rawValue: 1)
        let identity = PeerIdentity(pid: 1, uid: 1000, gid: 100, groups: [])
        let event = Broker.Event.connected(peer, identity, Stage.process(1), Stage.token(of: peer), at: 1)
        #expect(broker.handle(event).disconnect?.peer == peer)
    }

    @Test func strangersAreIgnored() throws {
        var stage = Stage()
        let stranger = PeerID(rawValue: 99)
        #expect(stage.send(.list(after: nil), from: stranger) == [])
        #expect(stage.broker.handle(.hungUp(stranger)) == [])
        let peer = stage.connect().peer
        let identity = PeerIdentity(pid: 1, uid: 0, gid: 0, groups: [])
        let event = Broker.Event.connected(peer, identity, Stage.process(1), Stage.token(of: peer), at: 1)
        #expect(stage.broker.handle(event).logged(.error).count == 1)
        #expect(stage.broker.contradictions == [])
    }

    @Test func hangUpGivesEverythingBack() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session()
        _ = stage.send(.attach(try name("a"), .readOnly), from: peer)
        #expect(stage.description(of: try name("a"))?.sessionCount == 1)
        #expect(stage.broker.summary.sessionCount == 1)
        #expect(stage.hangUp(peer) == [.save, .forgetProcess(Stage.process(1)), .statusChanged])
        #expect(stage.description(of: try name("a"))?.sessionCount == 0)
        #expect(stage.broker.summary.sessionCount == 0)
    }
}
