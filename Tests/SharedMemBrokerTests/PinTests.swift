import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// Pins for sessions that can't write them.
struct PinTests {
    private static func isPinning(_ effects: [Broker.Effect]) -> Bool {
        effects.contains { if case .pin(_, _, segmentID: 1, session: 1) = $0 { true } else { false } }
    }

    private static let unpin = Broker.Effect.unpin(segmentID: 1, session: 1)

    /// A stage with session 1, attached to segment 1.
    private func attached() throws -> (stage: Stage, peer: PeerID) {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session()
        _ = stage.send(.attach(try name("a"), .readOnly), from: peer)
        return (stage, peer)
    }

    @Test func onlyAnAttachedSessionPins() throws {
        var (stage, peer) = try attached()
        let other = stage.session()
        #expect(stage.send(.pin(segmentID: 1), from: other).failure?.error == EINVAL)
        #expect(stage.send(.pin(segmentID: 2), from: peer).failure?.error == EINVAL)
        #expect(Self.isPinning(stage.send(.pin(segmentID: 1), from: peer)))
        #expect(stage.send(.unpin(segmentID: 1), from: other).failure?.error == EINVAL)
    }

    @Test func asManyUnpinsAsPinsTakeThePinAway() throws {
        var (stage, peer) = try attached()
        for _ in 0..<3 { #expect(Self.isPinning(stage.send(.pin(segmentID: 1), from: peer))) }
        for _ in 0..<2 { #expect(!stage.send(.unpin(segmentID: 1), from: peer).contains(Self.unpin)) }
        #expect(stage.send(.unpin(segmentID: 1), from: peer).contains(Self.unpin))
        #expect(
            stage.send(.unpin(segmentID: 1), from: peer).failure?.text
                == "the session has no pin of segment id 1, expected as many as it has asked for")
    }

    @Test func hangUpAndTheLastDetachTakeThePinAway() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.attach(try name("a"), .readOnly), from: peer)
        for _ in 0..<2 { _ = stage.send(.pin(segmentID: 1), from: peer) }
        #expect(!stage.send(.detach(segmentID: 1), from: peer).contains(Self.unpin))
        #expect(stage.send(.detach(segmentID: 1), from: peer).contains(Self.unpin))
        #expect(stage.send(.unpin(segmentID: 1), from: peer).failure?.error == EINVAL)
        _ = stage.send(.attach(try name("a"), .readOnly), from: peer)
        _ = stage.send(.pin(segmentID: 1), from: peer)
        #expect(stage.broker.handle(.hungUp(peer)).contains(Self.unpin))
        #expect(stage.broker.contradictions == [])
    }

    @Test func disconnectionTakesThePinAway() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.pin(segmentID: 1), from: peer)
        let effects = stage.send(.hello(Hello(majors: 1...1, features: 0, program: [], attach: nil)), from: peer)
        #expect(effects.disconnect != nil)
        #expect(effects.contains(Self.unpin))
    }

    /// The pin goes with the memory; nothing of it may be asked of the daemon any more.
    @Test func removedSegmentIsUnpinnedButNotPinned() throws {
        var (stage, peer) = try attached()
        for _ in 0..<2 { _ = stage.send(.pin(segmentID: 1), from: peer) }
        let root = stage.session(uid: 0)
        #expect(!stage.send(.remove(try name("a")), from: root).contains(Self.unpin))
        #expect(stage.send(.pin(segmentID: 1), from: peer).failure?.error == EIDRM)
        for _ in 0..<2 {
            let effects = stage.send(.unpin(segmentID: 1), from: peer)
            #expect(effects.reply == .unpinned)
            #expect(!effects.contains(Self.unpin))
        }
    }

    @Test func pinThatCannotBeHadIsNotCounted() throws {
        var (stage, peer) = try attached()
        _ = stage.send(.pin(segmentID: 1), from: peer)
        #expect(stage.broker.handle(.pinFailed(peer, segmentID: 1)) == [])
        #expect(stage.send(.unpin(segmentID: 1), from: peer).failure?.error == EINVAL)
        #expect(!stage.broker.handle(.hungUp(peer)).contains(Self.unpin))
    }
}
