import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

struct ConfigurationTests {
    /// Makes a configuration without limits that matter here.
    private func configuration(
        _ segments: [SegmentDefinition], memoryLimit: UInt64 = 1 << 30
    ) -> Broker.Configuration {
        Broker.Configuration(segments: segments, memoryLimit: memoryLimit, connectionsPerUser: 4, creators: nil)
    }

    @Test func configuredSegmentsAreMadeAndNotRemembered() throws {
        var broker = Broker()
        let segments = [
            try definition("b", owner: 0, group: 0), try definition("a", mode: 0o660, owner: 1, group: 2),
        ]
        #expect(
            broker.handle(.configured(configuration(segments))) == [
                .save, .makeMemory(segmentID: 1, segments[0]), .makeMemory(segmentID: 2, segments[1]), .statusChanged,
            ])
        let effects = broker.handle(
            .memoryMade(segmentID: 2, dataByteCount: 1 << 20, lockByteCount: 4096, createdAt: 1))
        #expect(
            effects == [
                .save, .log(.notice, "segment a is made: uid 1, gid 2, mode 0660, 1 MiB (1052672 bytes)"),
                .statusChanged,
            ])
        #expect(broker.handle(.configured(configuration(segments))) == [])
    }

    @Test func segmentBeyondTheLimitIsNotMade() throws {
        var broker = Broker()
        let segments = [
            try definition("a", byteCount: 8192, owner: 0, group: 0),
            try definition("b", byteCount: 8192, owner: 0, group: 0),
            try definition("c", byteCount: 4096, owner: 0, group: 0),
        ]
        let effects = broker.handle(.configured(configuration(segments, memoryLimit: 3 * 4096)))
        #expect(effects.madeSegmentIDs == [1, 2])
        #expect(
            effects.logged(.error) == [
                "segment b needs 8 KiB (8192 bytes), expected at most the 4 KiB (4096 bytes) that are left of the "
                    + "memory limit of 12 KiB (12288 bytes)"
            ])
    }

    @Test func failedConfiguredSegmentIsTriedAtTheNextReload() throws {
        var broker = Broker()
        let segments = [try definition("a", owner: 0, group: 0)]
        #expect(broker.handle(.configured(configuration(segments))).madeSegmentID == 1)
        let failed = broker.handle(.memoryFailed(segmentID: 1, error: ENOMEM, reason: "no memory"))
        #expect(failed.logged(.error).count == 1)
        #expect(broker.handle(.configured(configuration(segments))).madeSegmentID == 2)
    }

    @Test func reloadMakesNewOnesAndKeepsOldOnes() throws {
        let (first, second) = (try definition("a", owner: 0, group: 0), try definition("b", owner: 0, group: 0))
        var stage = Stage(segments: [first])
        let effects = stage.broker.handle(.configured(configuration([second])))
        #expect(effects.madeSegmentID == 2)
        #expect(
            effects.logged(.warning) == [
                "the configuration no longer names segment a, which stays until it's removed"
            ])
        #expect(stage.description(of: try name("a"))?.isConfigured == false)
        #expect(stage.broker.handle(.configured(configuration([second]))) == [])
        #expect(stage.broker.handle(.configured(configuration([first, second]))) == [.save])
        #expect(stage.description(of: try name("a"))?.isConfigured == true)
    }

    @Test func changedSizeIsWarnedOfAndLeft() throws {
        var stage = Stage(segments: [try definition("a", owner: 0, group: 0)])
        var changed = try definition("a", byteCount: 1 << 21, owner: 0, group: 0)
        changed.entryCount = 9
        let effects = stage.broker.handle(.configured(configuration([changed])))
        #expect(effects.count == 2)
        #expect(
            effects.logged(.warning) == [
                "segment a has 1 MiB (1048576 bytes) and the configuration says 2 MiB (2097152 bytes), expected the "
                    + "same: it stays as it is until it's removed",
                "segment a is made for 0 keys and the configuration says 9, expected the same: it stays as it is "
                    + "until it's removed",
            ])
        #expect(stage.description(of: try name("a"))?.dataByteCount == 1 << 20)
    }

    @Test func changedPermissionsApplyToLaterAttaches() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session()
        #expect(stage.send(.attach(try name("a"), .readWrite), from: peer).failure == nil)
        let changed = try definition("a", mode: 0o640, owner: 5, group: 6)
        let effects = stage.broker.handle(.configured(configuration([changed])))
        #expect(
            effects == [
                .save,
                .log(
                    .notice,
                    "segment a belongs to uid 5, gid 6, mode 0640 from now on, before to uid 0, gid 0, mode 0666; "
                        + "what is attached stays attached"),
            ])
        #expect(stage.send(.attach(try name("a"), .readWrite), from: peer).failure?.error == EACCES)
        #expect(stage.description(of: try name("a"))?.sessionCount == 1)
        #expect(stage.send(.attach(try name("a"), .readWrite), from: stage.session(uid: 5)).failure == nil)
    }

    @Test func lowerMemoryLimitIsWarnedOf() throws {
        var stage = Stage(segments: [try definition("a", owner: 0, group: 0)])
        let effects = stage.broker.handle(
            .configured(configuration([try definition("a", owner: 0, group: 0)], memoryLimit: 4096)))
        #expect(
            effects.logged(.warning) == [
                "the segments take 1 MiB (1056768 bytes), expected at most the memory limit of 4 KiB (4096 bytes)"
            ])
        let failure = stage.send(.create(try definition("b")), from: stage.session()).failure
        #expect(failure?.error == ENOSPC)
        #expect(failure?.available == 0)
    }

    @Test func recalledSegmentIsMadeUnlessItsNameIsTaken() throws {
        var stage = Stage(segments: [try definition("a", owner: 0, group: 0)])
        #expect(stage.broker.handle(.recalled(try definition("a", byteCount: 1 << 22, owner: 5, group: 5))) == [])
        let recalled = try definition("b", owner: 1000, group: 100)
        #expect(
            stage.broker.handle(.recalled(recalled)) == [.save, .makeMemory(segmentID: 2, recalled), .statusChanged])
        #expect(!stage.made(2).contains(.remember(recalled)))
        #expect(stage.description(of: try name("b"))?.isConfigured == false)
        #expect(
            stage.broker.handle(.recalled(try definition("c", byteCount: 1 << 40))).logged(.error).count == 1)
    }

    @Test func configuredSegmentCanBeRemovedAndComesBack() throws {
        let segments = [try definition("a", owner: 1000, group: 0)]
        var stage = Stage(segments: segments)
        let peer = stage.session(uid: 1000)
        #expect(stage.send(.remove(try name("a")), from: peer).reply == .removed)
        #expect(stage.broker.handle(.configured(configuration(segments))).madeSegmentID == 2)
    }

    @Test func summaryIsInWords() throws {
        #expect(Broker().summary.description == "0 segments, 0 bytes, 0 sessions")
        var stage = Stage(segments: [try definition("a", owner: 0, group: 0)])
        _ = stage.session()
        #expect(stage.broker.summary.description == "1 segment, 1 MiB, 1 session")
        _ = try stage.create(try definition("b"), from: stage.session())
        #expect(stage.broker.summary.description == "2 segments, 2 MiB, 2 sessions")
    }
}
