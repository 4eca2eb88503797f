import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// Lock words: who has them, and what follows if that one never gives them back.
struct LockTests {
    /// A stage with session 1 of process 1, which can write segment 1 and asks, and session 2, which can too.
    private func stage() throws -> (stage: Stage, asker: PeerID, other: PeerID) {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let (asker, other) = (stage.session(), stage.session(program: "writer"))
        for peer in [asker, other] { _ = stage.send(.attach(try name("a"), .readWrite), from: peer) }
        return (stage, asker, other)
    }

    /// Asks who has the lock word, which has `owner`.
    private func ask(
        _ stage: inout Stage, _ asker: PeerID, owner: UInt32, takenAt: UInt64 = 0
    ) -> [Broker.Effect] {
        let asked = stage.send(.whoHolds(segmentID: 1), from: asker)
        guard asked == [.seeLock(asker, requestID: stage.lastRequestID, segmentID: 1)] else { return asked }
        return stage.broker.handle(
            .lockSeen(
                asker, requestID: stage.lastRequestID, segmentID: 1, owner: owner, takenAt: takenAt))
    }

    /// The generation that is to be made, and from whom its lock word is taken.
    private func move(_ effects: [Broker.Effect]) -> (generation: UInt64, owner: UInt32?)? {
        for case .makeGeneration(segmentID: 1, let generation, _, let owner) in effects { return (generation, owner) }
        return nil
    }

    @Test func freeWordHasNoHolder() throws {
        var (stage, asker, _) = try stage()
        let holder = Holder(session: 0, state: .none, pid: 0, uid: 0, takenAt: 0, program: [])
        #expect(ask(&stage, asker, owner: 0).first == .reply(asker, requestID: stage.lastRequestID, .holder(holder)))
    }

    @Test func livingWriterIsDescribedAndNeverRobbed() throws {
        var (stage, asker, _) = try stage()
        let holder = Holder(
            session: 2, state: .connected, pid: 2, uid: 1000, takenAt: 5, program: Array("writer".utf8))
        for _ in 0..<100 {
            #expect(
                ask(&stage, asker, owner: 2, takenAt: 5)
                    == [.reply(asker, requestID: stage.lastRequestID, .holder(holder))])
        }
    }

    @Test func wordOfALeftSessionIsReplaced() throws {
        var (stage, asker, other) = try stage()
        _ = stage.hangUp(other)
        let effects = ask(&stage, asker, owner: 2, takenAt: 5)
        let holder = Holder(session: 2, state: .replaced, pid: 2, uid: 1000, takenAt: 5, program: Array("writer".utf8))
        #expect(effects.reply == .holder(holder))
        #expect(move(effects)?.generation == 2)
        #expect(move(effects)?.owner == 2)
        #expect(
            effects.logged(.warning) == [
                "the lock of segment a is held by session 2 of process 2 (writer) of uid 1000, which has closed its "
                    + "connection: it moves to generation 2"
            ])
        #expect(move(ask(&stage, asker, owner: 2)) == nil, "it moves already")
    }

    @Test func wordThatNobodyHasIsReplaced() throws {
        var (stage, asker, _) = try stage()
        let effects = ask(&stage, asker, owner: 99)
        let holder = Holder(session: 99, state: .replaced, pid: 0, uid: 0, takenAt: 0, program: [])
        #expect(effects.reply == .holder(holder))
        #expect(move(effects)?.owner == 99)
        #expect(
            effects.logged(.warning) == [
                "the lock of segment a is held by session 99, which doesn't exist: it moves to generation 2"
            ])
    }

    @Test func wordOfASessionWithoutTheRightIsReplaced() throws {
        var (stage, asker, _) = try stage()
        _ = stage.session()
        let effects = ask(&stage, asker, owner: 3)
        #expect(move(effects)?.owner == 3)
        #expect(effects.logged(.warning).first?.contains("of process 3 of uid 1000, which may not write it") == true)
    }

    /// A word that was looked at before it was repaired.
    @Test func deadOwnerIsNobodyOnceAndAStrangerThen() throws {
        var (stage, asker, _) = try stage()
        #expect(stage.die(2).contains { if case .repair = $0 { true } else { false } })
        let first = ask(&stage, asker, owner: 2)
        guard case .holder(let holder) = first.reply else {
            Issue.record("\(first)")
            return
        }
        #expect(holder.state == .none)
        #expect(move(first) == nil)
        #expect(move(ask(&stage, asker, owner: 2))?.owner == 2)
    }

    /// A process that executes another program, or drops a session, and greets again.
    @Test func wordFromBeforeASessionBeganAnewIsReplaced() throws {
        var (stage, asker, other) = try stage()
        _ = stage.hangUp(other)
        let again = stage.session(process: 2)
        let begun = Stage.connectedAt + again.rawValue * 1_000_000_000
        for (takenAt, isReplaced) in [
            (UInt64(0), false), (begun + 1, false), (begun - 10_000_000, false), (begun - 10_000_001, true),
        ] {
            var copy = stage
            #expect((move(ask(&copy, asker, owner: 2, takenAt: takenAt)) != nil) == isReplaced, "\(takenAt)")
        }
    }

    @Test func onlyWritersOfThatSegmentAsk() throws {
        var (stage, asker, _) = try stage()
        let reader = stage.session()
        #expect(stage.send(.whoHolds(segmentID: 1), from: reader).failure?.error == EINVAL)
        _ = stage.send(.attach(try name("a"), .readOnly), from: reader)
        #expect(stage.send(.whoHolds(segmentID: 1), from: reader).failure?.error == EACCES)
        _ = stage.send(.remove(try name("a")), from: stage.session(uid: 0))
        #expect(stage.send(.whoHolds(segmentID: 1), from: asker).failure?.error == EIDRM)
    }

    @Test func wordIsJudgedThoughItsAskerHungUp() throws {
        var (stage, asker, _) = try stage()
        _ = stage.send(.whoHolds(segmentID: 1), from: asker)
        _ = stage.hangUp(asker)
        let effects = stage.broker.handle(
            .lockSeen(asker, requestID: stage.lastRequestID, segmentID: 1, owner: 99, takenAt: 0))
        #expect(effects.replies == [])
        #expect(move(effects)?.owner == 99)
    }

    @Test func idInALockWordIsNotIssued() throws {
        var (stage, asker, _) = try stage()
        _ = ask(&stage, asker, owner: 3)
        _ = stage.session()
        #expect(stage.broker.savedState.sessions.map(\.id) == [1, 2, 4])
        #expect(stage.broker.contradictions == [])
    }

    @Test func repairsAreCounted() throws {
        var (stage, asker, _) = try stage()
        _ = stage.die(2)
        #expect(stage.broker.handle(.repaired(segmentID: 1)) == [])
        guard case .statistics(let statistics) = stage.send(.statistics, from: asker).reply else {
            Issue.record("no statistics came")
            return
        }
        #expect(statistics.repairCount == 1)
    }
}
