import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// What sessions watch, and the flags that follow from it.
struct WatchTests {
    /// A stage with segments 1 and 2, and a session that is attached to both to read them.
    private func attached() throws -> (stage: Stage, peer: PeerID) {
        var stage = Stage(segments: [
            try definition("a", mode: 0o666, owner: 0, group: 0), try definition("b", mode: 0o666, owner: 0, group: 0),
        ])
        let peer = try attach(&stage)
        return (stage, peer)
    }

    /// One more session that is attached to both segments.
    private func attach(_ stage: inout Stage, process: Int32? = nil) throws -> PeerID {
        let peer = stage.session(process: process)
        for text in ["a", "b"] { _ = stage.send(.attach(try name(text), .readOnly), from: peer) }
        return peer
    }

    /// A request about segment 1 in its first generation.
    private func words(
        _ stripes: UInt64, segment: Bool = false, of segmentID: UInt64 = 1, generation: UInt64 = 1
    ) -> WatchRequest {
        WatchRequest(
            segmentID: segmentID, generation: generation, words: WatchSet(stripes: stripes, segment: segment))
    }

    /// What sets the flags of segment 1.
    private func flags(_ stripes: UInt64, segment: Bool = false, of segmentID: UInt64 = 1) -> Broker.Effect {
        .setWatched(segmentID: segmentID, WatchSet(stripes: stripes, segment: segment))
    }

    @Test func flagsAreSetBetweenTheSaveAndTheReply() throws {
        var (stage, peer) = try attached()
        #expect(
            stage.send(.watch(words(5)), from: peer) == [
                .save, flags(5), .reply(peer, requestID: stage.lastRequestID, .watched),
            ])
        #expect(
            stage.broker.savedState.sessions.first?.watches == [
                SavedSession.Watch(segmentID: 1, words: WatchSet(stripes: 5))
            ])
        #expect(
            stage.send(.watch(words(0, segment: true)), from: peer) == [
                .save, flags(5, segment: true), .reply(peer, requestID: stage.lastRequestID, .watched),
            ])
    }

    @Test func whatIsWatchedAlreadyIsFlaggedAgainAndNotSaved() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.watch(words(5)), from: peer)
        #expect(
            stage.send(.watch(words(4)), from: peer) == [
                flags(5), .reply(peer, requestID: stage.lastRequestID, .watched),
            ])
    }

    @Test func flagsAreTakenAwayBehindTheSaveWithTheLastWatcher() throws {
        var (stage, peer) = try attached()
        let other = try attach(&stage)
        _ = stage.send(.watch(words(7, segment: true)), from: peer)
        _ = stage.send(.watch(words(6)), from: other)
        #expect(
            stage.send(.unwatch(words(3)), from: peer) == [
                .save, flags(6, segment: true), .reply(peer, requestID: stage.lastRequestID, .unwatched),
            ])
        #expect(
            stage.send(.unwatch(words(2)), from: other) == [
                .save, flags(4, segment: true), .reply(other, requestID: stage.lastRequestID, .unwatched),
            ])
        #expect(
            stage.send(.unwatch(words(4)), from: other) == [
                .save, .reply(other, requestID: stage.lastRequestID, .unwatched),
            ])
        #expect(
            stage.send(.unwatch(words(.max, segment: true)), from: peer) == [
                .save, flags(0), .reply(peer, requestID: stage.lastRequestID, .unwatched),
            ])
        #expect(stage.broker.contradictions == [])
    }

    @Test func onlyAnAttachedSessionWatchesAndSomethingAndTheGenerationThatCounts() throws {
        var (stage, peer) = try attached()
        let other = stage.session()
        #expect(stage.send(.watch(words(1)), from: other).failure?.error == EINVAL)
        #expect(
            stage.send(.watch(words(0)), from: peer).failure?.text
                == "nothing of segment id 1 is named to be watched, expected a stripe or the segment")
        let refused = stage.send(.watch(words(1, generation: 2)), from: peer)
        #expect(refused.failure?.error == ESTALE)
        #expect(
            refused.failure?.text == "generation 2 of segment a can't be watched, expected 1: attach again")
        _ = stage.send(.remove(try name("a")), from: stage.session(uid: 0))
        #expect(stage.send(.watch(words(1)), from: peer).failure?.error == EIDRM)
        #expect(stage.broker.savedState.sessions.allSatisfy { $0.watches.isEmpty })
    }

    @Test func unwatchingWhatIsNotWatchedIsDone() throws {
        var (stage, peer) = try attached()
        let other = stage.session()
        _ = stage.send(.watch(words(1)), from: peer)
        for request in [words(2), words(1, generation: 2), words(1, of: 2), words(1, of: 77), words(0)] {
            for sender in [peer, other] {
                #expect(
                    stage.send(.unwatch(request), from: sender) == [
                        .reply(sender, requestID: stage.lastRequestID, .unwatched)
                    ])
            }
        }
    }

    @Test func lastDetachTakesTheFlagsOfThatSegmentAway() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.attach(try name("a"), .readOnly), from: peer)
        for segmentID: UInt64 in [1, 2] { _ = stage.send(.watch(words(1, of: segmentID)), from: peer) }
        #expect(!stage.send(.detach(segmentID: 1), from: peer).contains(flags(0)))
        #expect(
            stage.send(.detach(segmentID: 1), from: peer) == [
                .save, flags(0), .reply(peer, requestID: stage.lastRequestID, .detached),
            ])
        #expect(stage.broker.savedState.sessions.first?.watches.map(\.segmentID) == [2])
    }

    @Test func hangUpAndDeathTakeTheFlagsAway() throws {
        for isDeath in [false, true] {
            var (stage, peer) = try attached()
            for segmentID: UInt64 in [1, 2] { _ = stage.send(.watch(words(1, of: segmentID)), from: peer) }
            let effects = isDeath ? stage.die(1) : stage.hangUp(peer)
            #expect(effects.filter { $0 == flags(0) || $0 == flags(0, of: 2) } == [flags(0), flags(0, of: 2)])
            #expect(stage.broker.contradictions == [])
        }
    }

    @Test func deadWritersSegmentsAreRepairedBehindItsOwnFlags() throws {
        var (stage, peer) = try attached()
        let other = try attach(&stage)
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        _ = stage.send(.watch(words(1)), from: peer)
        _ = stage.send(.watch(words(2)), from: other)
        let effects = stage.die(1)
        let repair = Broker.Effect.repair(segmentID: 1, sessions: [1], owner: "process 1 of uid 1000")
        #expect(effects.filter { $0 == repair || $0 == flags(2) } == [flags(2), repair])
    }

    @Test func reconnectKeepsWhatIsWatched() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.watch(words(5)), from: peer)
        let (next, _) = stage.connect(process: 1)
        let reconnect = Reconnect(majors: 1...1, features: 0, session: 1, token: Stage.token(of: peer))
        let effects = stage.send(.reconnect(reconnect), from: next)
        #expect(effects.contains(.close(peer)))
        #expect(!effects.contains(flags(0)))
        #expect(stage.broker.savedState.sessions.first?.watches.count == 1)
        // Nothing is attached yet.
        #expect(stage.send(.watch(words(1)), from: next).failure?.error == EINVAL)
        #expect(stage.send(.unwatch(words(5)), from: next).contains(flags(0)))
    }

    @Test func helloOfAProcessThatHungUpWatchesNothing() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        _ = stage.send(.watch(words(5)), from: peer)
        _ = stage.hangUp(peer)
        _ = stage.session(process: 1)
        #expect(stage.broker.savedState.sessions.map(\.id) == [1])
        #expect(stage.broker.savedState.sessions.first?.watches == [])
    }

    @Test func removedSegmentAndNewGenerationAreWatchedByNobody() throws {
        var (stage, peer) = try attached()
        for segmentID: UInt64 in [1, 2] { _ = stage.send(.watch(words(5, of: segmentID)), from: peer) }
        _ = stage.send(.remove(try name("b")), from: stage.session(uid: 0))
        #expect(stage.broker.savedState.sessions.first?.watches.map(\.segmentID) == [1])
        _ = stage.broker.handle(.spoiled(segmentID: 1))
        #expect(stage.send(.watch(words(1)), from: peer).failure?.error == ESTALE, "it moves")
        #expect(stage.send(.unwatch(words(1)), from: peer).contains(flags(4)))
        let effects = stage.broker.handle(
            .generationMade(
                segmentID: 1, generation: 2, dataByteCount: 1 << 20, lockByteCount: 8192, createdAt: 1))
        #expect(effects.contains(.retireGeneration(segmentID: 1, generation: 1)))
        #expect(stage.broker.savedState.sessions.first?.watches == [])
        #expect(stage.send(.watch(words(1)), from: peer).failure?.error == ESTALE)
        #expect(stage.send(.watch(words(1, generation: 2)), from: peer).contains(flags(1)))
        #expect(stage.broker.contradictions == [])
    }

    @Test func failedMoveKeepsWhatIsWatched() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.watch(words(5)), from: peer)
        _ = stage.broker.handle(.spoiled(segmentID: 1))
        _ = stage.broker.handle(.generationFailed(segmentID: 1, error: ENOMEM, reason: "no memory"))
        #expect(stage.send(.watch(words(2)), from: peer).contains(flags(7)))
    }

    @Test func restartKnowsWhatTheLivingWatch() throws {
        var (stage, peer) = try attached()
        let other = try attach(&stage)
        _ = stage.send(.watch(words(5)), from: peer)
        _ = stage.send(.watch(words(6)), from: other)
        for segmentID: UInt64 in [1, 2] {
            _ = stage.send(.watch(words(0, segment: true, of: segmentID)), from: other)
        }
        let state = stage.broker.savedState
        for (living, stripes, segment) in [([1, 2], UInt64(7), true), ([1], 5, false), ([], 0, false)] {
            var broker = Broker()
            let processes = Set(living.map { Stage.process(Int32($0)) })
            let effects = broker.handle(.restored(state, living: processes, kept: [1, 2]))
            #expect(
                effects.prefix(2) == [
                    .restoreWatched(segmentID: 1, WatchSet(stripes: stripes, segment: segment)),
                    .restoreWatched(segmentID: 2, WatchSet(segment: segment)),
                ])
            #expect(broker.contradictions == [])
        }
    }

    @Test func restartForgetsWhatIsWatchedInLostSegments() throws {
        var (stage, peer) = try attached()
        for segmentID: UInt64 in [1, 2] { _ = stage.send(.watch(words(5, of: segmentID)), from: peer) }
        var broker = Broker()
        _ = broker.handle(.restored(stage.broker.savedState, living: [Stage.process(1)], kept: [2]))
        #expect(broker.savedState.sessions.first?.watches.map(\.segmentID) == [2])
        #expect(broker.contradictions == [])
    }
}
