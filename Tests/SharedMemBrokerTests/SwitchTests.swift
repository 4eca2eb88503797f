import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

/// Moves of segments to new generations.
struct SwitchTests {
    /// Segments a and b of 1 MiB.
    private func stage(memoryLimit: UInt64 = 1 << 30) throws -> Stage {
        Stage(
            segments: try ["a", "b"].map { try definition($0, mode: 0o666, owner: 0, group: 0) },
            memoryLimit: memoryLimit)
    }

    /// Reports a generation with the sizes that this stage's memory has.
    private func made(_ segmentID: UInt64, _ generation: UInt64, in stage: inout Stage) -> [Broker.Effect] {
        stage.broker.handle(
            .generationMade(
                segmentID: segmentID, generation: generation, dataByteCount: 1 << 20, lockByteCount: 16384,
                createdAt: Stage.createdAt + 1))
    }

    /// The segments whose generations are to be made.
    private func moves(_ effects: [Broker.Effect]) -> [UInt64] {
        effects.compactMap { if case .makeGeneration(let segmentID, _, _, _) = $0 { segmentID } else { nil } }
    }

    @Test func newGenerationCountsWhenItIsSaved() throws {
        var stage = try stage()
        let wanted = try definition("a", mode: 0o666, owner: 0, group: 0)
        #expect(
            stage.broker.handle(.spoiled(segmentID: 1)) == [
                .log(.warning, "segment a can't be trusted as it is: it moves to generation 2"),
                .makeGeneration(segmentID: 1, generation: 2, wanted, from: nil),
            ])
        let peer = stage.session()
        guard case .attached(let old) = stage.send(.attach(try name("a"), .readWrite), from: peer).reply else {
            Issue.record("nobody is attached")
            return
        }
        #expect(old.generation == 1, "the old one counts until then")
        #expect(
            made(1, 2, in: &stage) == [
                .save, .retireGeneration(segmentID: 1, generation: 1),
                .log(.notice, "segment a has moved to generation 2"), .statusChanged,
            ])
        #expect(stage.description(of: try name("a"))?.generation == 2)
        #expect(stage.broker.savedState.segments.first?.generation == 2)
        #expect(stage.broker.summary.byteCount == 2 << 20 + 8192 + 16384)
    }

    @Test func oneSegmentMovesAtATime() throws {
        var stage = try stage()
        #expect(moves(stage.broker.handle(.spoiled(segmentID: 1))) == [1])
        #expect(moves(stage.broker.handle(.spoiled(segmentID: 2))) == [])
        #expect(moves(stage.broker.handle(.spoiled(segmentID: 2))) == [])
        #expect(moves(made(1, 2, in: &stage)) == [2])
        #expect(moves(made(2, 2, in: &stage)) == [])
        #expect(stage.broker.contradictions == [])
    }

    @Test func failedMoveIsTriedAgainWhenAWriterAsks() throws {
        var stage = try stage()
        let peer = stage.session()
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        _ = stage.broker.handle(.spoiled(segmentID: 1))
        let failed = stage.broker.handle(.generationFailed(segmentID: 1, error: ENOMEM, reason: "no memory"))
        #expect(
            failed == [
                .log(
                    .error,
                    "generation 2 of segment a could not be made: no memory; its writers go on at generation 1")
            ])
        _ = stage.send(.whoHolds(segmentID: 1), from: peer)
        // A word that a repair left as it was names nobody.
        let effects = stage.broker.handle(
            .lockSeen(peer, requestID: stage.lastRequestID, segmentID: 1, owner: 0, takenAt: 0))
        #expect(moves(effects) == [1])
    }

    @Test func failureLetsTheNextOneMove() throws {
        var stage = try stage()
        _ = stage.broker.handle(.spoiled(segmentID: 1))
        _ = stage.broker.handle(.spoiled(segmentID: 2))
        #expect(moves(stage.broker.handle(.generationFailed(segmentID: 1, error: EIO, reason: "x"))) == [2])
    }

    @Test func memoryOfASegmentThatWasRemovedIsReleased() throws {
        var stage = try stage()
        let root = stage.session(uid: 0)
        _ = stage.broker.handle(.spoiled(segmentID: 1))
        _ = stage.broker.handle(.spoiled(segmentID: 2))
        for name in ["a", "b"] { _ = stage.send(.remove(try SharedMemBrokerTests.name(name)), from: root) }
        #expect(made(1, 2, in: &stage) == [.releaseMemory(segmentID: 1)])
        #expect(stage.broker.contradictions == [])
    }

    @Test func generationsThatNobodyAskedForAreNotTaken() throws {
        var stage = try stage()
        #expect(made(1, 2, in: &stage).count == 1)
        #expect(made(9, 2, in: &stage).last == .releaseMemory(segmentID: 9))
        #expect(stage.description(of: try name("a"))?.generation == 1)
        _ = stage.broker.handle(.spoiled(segmentID: 1))
        #expect(made(1, 3, in: &stage).count == 1)
        #expect(stage.broker.handle(.generationFailed(segmentID: 2, error: EIO, reason: "x")).count == 1)
        #expect(made(1, 2, in: &stage).contains(.retireGeneration(segmentID: 1, generation: 1)))
    }

    @Test func moveNeedsRoomBesideTheOldGeneration() throws {
        var stage = try stage(memoryLimit: 3 << 20)
        let peer = stage.session()
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        let text =
            "the next generation of segment a needs 1 MiB (1056768 bytes), expected at most the 1008 KiB "
            + "(1032192 bytes) that are left of the memory limit of 3 MiB (3145728 bytes)"
        for isFirst in [true, false] {
            _ = stage.send(.whoHolds(segmentID: 1), from: peer)
            let effects = stage.broker.handle(
                .lockSeen(peer, requestID: stage.lastRequestID, segmentID: 1, owner: 99, takenAt: 0))
            #expect(effects.failure?.error == ENOSPC)
            #expect(effects.failure?.text == text)
            #expect(effects.logged(.error) == (isFirst ? ["\(text), so its writers wait"] : []))
            #expect(moves(effects) == [])
        }
    }

    @Test func clientsLeaveRoomForAMoveOfTheLargest() throws {
        var stage = Stage(
            segments: [try definition("a", owner: 0, group: 0)], memoryLimit: 8 << 20, keepsSwitchRoom: true)
        let peer = stage.session()
        // 8 MiB hold a with its lock file, and the new one twice.
        let most: UInt64 = 3 << 20 + (1 << 20 - 8192) / 2
        let failure = stage.send(.create(try definition("n", byteCount: most + 1)), from: peer).failure
        #expect(failure?.available == most)
        #expect(failure?.text.hasSuffix("beside the room for a new generation of the largest segment") == true)
        #expect(stage.send(.create(try definition("n", byteCount: most)), from: peer).madeSegmentID == 2)
    }

    @Test func configurationWithoutRoomForAMoveIsWarnedOf() throws {
        var broker = Broker()
        let configuration = Broker.Configuration(
            segments: [try definition("a", owner: 0, group: 0)], memoryLimit: 1 << 20 + 4096, connectionsPerUser: 4,
            creators: nil)
        #expect(
            broker.handle(.configured(configuration)).logged(.warning) == [
                "the memory limit leaves 4 KiB (4096 bytes) beside the segments, expected at least the 1 MiB "
                    + "(1048576 bytes) that a new generation of the largest takes: it can't be repaired by one"
            ])
    }
}
