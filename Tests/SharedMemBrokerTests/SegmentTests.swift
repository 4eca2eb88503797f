import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

struct SegmentTests {
    // MARK: create

    @Test func createIsAnsweredWhenTheMemoryIsThere() throws {
        var stage = Stage()
        let peer = stage.session(uid: 1000, gid: 100)
        let resolved = try definition("a", byteCount: 5000, owner: 1000, group: 100)
        let asked = stage.send(.create(try definition("a", byteCount: 5000)), from: peer)
        #expect(asked == [.save, .makeMemory(segmentID: 1, resolved), .statusChanged])
        let requestID = stage.lastRequestID
        let answered = stage.made(1, dataByteCount: 8192)
        #expect(
            answered == [
                .save, .remember(resolved), .reply(peer, requestID: requestID, .created(segmentID: 1)),
                .log(.notice, "segment a is made: uid 1000, gid 100, mode 0600, 16 KiB (16384 bytes)"),
                .statusChanged,
            ])
        #expect(stage.description(of: try name("a"))?.isConfigured == false)
    }

    /// What is asked for, by whom, and what comes of it.
    struct Expectation: Sendable {
        let uid: UInt32
        let definition: @Sendable () throws -> SegmentDefinition
        let error: Int32?
        let text: String?

        init(
            _ uid: UInt32, _ error: Int32?, _ text: String? = nil,
            _ definition: @escaping @Sendable () throws -> SegmentDefinition
        ) {
            self.uid = uid
            self.error = error
            self.text = text
            self.definition = definition
        }
    }

    @Test(arguments: [
        Expectation(1000, nil) { try definition("n") },
        .init(1000, EEXIST, "segment a exists already, expected a new name") { try definition("a") },
        .init(0, EEXIST) { try definition("a") },
        .init(1000, EINVAL, "the mode of segment n is 0700, expected 0000 to 0666 with r and w only") {
            try definition("n", mode: 0o700)
        },
        .init(0, EINVAL) { try definition("n", mode: 0o601) },
        .init(0, EINVAL, "the mode of segment n is 10644, expected 0000 to 0666 with r and w only") {
            try definition("n", mode: 0o10644)
        },
        .init(1000, nil) { try definition("n", mode: 0o666) },
        .init(1000, nil) { try definition("n", mode: 0) },
        .init(1000, nil) { try definition("n", owner: 1000, group: 100) },
        .init(1000, nil) { try definition("n", group: 101) },
        .init(1000, EACCES, "uid 1000 may not give segment n to uid 0, expected its own uid") {
            try definition("n", owner: 0)
        },
        .init(1000, EACCES, "uid 1000 may not give segment n to gid 7, expected one of its groups") {
            try definition("n", group: 7)
        },
        .init(0, nil) { try definition("n", owner: 5, group: 7) },
        .init(
            1000, ENOSPC, "segment n would have no room at all, expected a size of at least 1 byte"
        ) { try definition("n", byteCount: 0) },
        .init(
            1000, ENOSPC,
            "segment n needs 1 GiB (1073745920 bytes), expected at most the 1022.9 MiB (1072685056 bytes) that are "
                + "left of the memory limit of 1 GiB (1073741824 bytes)"
        ) { try definition("n", byteCount: 1 << 30 + 1) },
        .init(0, ENOSPC) { try definition("n", byteCount: .max) },
        .init(0, ENOSPC) { try definition("n", byteCount: .max - 4096) },
    ])
    func createRules(expectation: Expectation) throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let before = stage.broker.summary
        let peer = stage.session(uid: expectation.uid, gid: 100, groups: [101])
        let effects = stage.send(.create(try expectation.definition()), from: peer)
        #expect(effects.failure?.error == expectation.error)
        if let text = expectation.text { #expect(effects.failure?.text == text) }
        if expectation.error == nil {
            #expect(effects.madeSegmentID == 2)
        } else {
            #expect(effects.count == 1)
            #expect(stage.broker.summary.byteCount == before.byteCount)
        }
    }

    @Test func onlyConfiguredCreatorsCreate() throws {
        let creators = Broker.Configuration.Creators(users: [1], groups: [50])
        let callers: [(uid: UInt32, gid: UInt32, groups: [UInt32], may: Bool)] = [
            (0, 0, [], true), (1, 9, [], true), (2, 50, [], true), (2, 9, [8, 50], true), (2, 9, [8], false),
            (50, 1, [1], false),
        ]
        for caller in callers {
            var stage = Stage(creators: creators)
            let peer = stage.session(uid: caller.uid, gid: caller.gid, groups: caller.groups)
            let failure = stage.send(.create(try definition("n")), from: peer).failure
            #expect(failure?.error == (caller.may ? nil : EACCES), "\(caller)")
            if !caller.may {
                #expect(
                    failure?.text == "uid \(caller.uid) may not create segment n, expected root or one of the "
                        + "configured creators")
            }
        }
        var closed = Stage(creators: .init(users: [], groups: []))
        let peer = closed.session()
        #expect(closed.send(.create(try definition("n")), from: peer).failure?.error == EACCES)
    }

    @Test func wholePagesAreChargedBeforeAndBothFilesAfter() throws {
        var stage = Stage(memoryLimit: 5 * 4096)
        let peer = stage.session()
        let segmentID = try #require(
            stage.send(.create(try definition("a", byteCount: 4097)), from: peer).madeSegmentID)
        #expect(stage.broker.summary.byteCount == 2 * 4096)
        let failure = stage.send(.create(try definition("b", byteCount: 3 * 4096 + 1)), from: peer).failure
        #expect(failure?.error == ENOSPC)
        #expect(failure?.needed == 4 * 4096)
        #expect(failure?.available == 3 * 4096)
        _ = stage.made(segmentID, dataByteCount: 2 * 4096)
        #expect(stage.broker.summary.byteCount == 4 * 4096)
        #expect(stage.send(.create(try definition("b", byteCount: 4096)), from: peer).madeSegmentID != nil)
        #expect(stage.send(.remove(try name("a")), from: peer).reply == .removed)
        #expect(stage.broker.summary.byteCount == 4096)
    }

    @Test func memoryThatGrewBeyondTheLimitIsGivenUp() throws {
        var stage = Stage(memoryLimit: 8192)
        let peer = stage.session()
        let segmentID = try #require(
            stage.send(.create(try definition("a", byteCount: 4096)), from: peer).madeSegmentID)
        let effects = stage.made(segmentID, dataByteCount: 4096)
        #expect(effects.first == .releaseMemory(segmentID: segmentID))
        #expect(effects.failure?.error == ENOSPC)
        #expect(effects.failure?.needed == 4096 + Stage.lockByteCount)
        #expect(effects.failure?.available == 8192)
        #expect(effects.logged(.error) == [])
        #expect(stage.broker.summary.segmentCount == 0)
        #expect(stage.broker.summary.byteCount == 0)
    }

    @Test func failedMemoryIsReportedAndGivenBack() throws {
        var stage = Stage()
        let (creator, guest) = (stage.session(), stage.session())
        let segmentID = try #require(stage.send(.create(try definition("a")), from: creator).madeSegmentID)
        #expect(stage.send(.attach(try name("a"), .readOnly), from: guest) == [])
        let effects = stage.broker.handle(
            .memoryFailed(segmentID: segmentID, error: ENOMEM, reason: "memfd_create: out of memory"))
        let text = "the memory of segment a, 1 MiB (1048576 bytes), could not be made: memfd_create: out of memory"
        let failure = Failure(error: ENOMEM, needed: 1 << 20, text: text)
        #expect(
            effects == [
                .reply(creator, requestID: 3, .failure(failure)), .reply(guest, requestID: 4, .failure(failure)),
                .log(.error, text), .statusChanged,
            ])
        #expect(stage.broker.summary.byteCount == 0)
        #expect(stage.send(.create(try definition("a")), from: creator).madeSegmentID == 2)
    }

    @Test func segmentStaysWhenItsCreatorHangsUp() throws {
        var stage = Stage()
        let peer = stage.session()
        let segmentID = try #require(stage.send(.create(try definition("a")), from: peer).madeSegmentID)
        _ = stage.broker.handle(.hungUp(peer))
        let effects = stage.made(segmentID)
        #expect(effects.replies == [])
        #expect(effects.dropFirst().first == .remember(try definition("a", owner: 1000, group: 100)))
        #expect(stage.description(of: try name("a")) != nil)
    }

    // MARK: waiting

    @Test func requestsWaitForTheMemory() throws {
        var stage = Stage()
        let (creator, guest, late) = (stage.session(), stage.session(), stage.connect().peer)
        let segmentID = try #require(
            stage.send(.create(try definition("a", mode: 0o644)), from: creator).madeSegmentID)
        #expect(stage.send(.attach(try name("a"), .readOnly), from: guest) == [])
        #expect(stage.send(.show(try name("a")), from: guest) == [])
        let hello = Hello(
            majors: 1...1, features: 0, program: [], attach: .init(segment: try name("a"), access: .readWrite))
        #expect(stage.send(.hello(hello), from: late) == [.save, .statusChanged])
        #expect(stage.send(.list(after: nil), from: guest).reply == .list([], more: false))
        #expect(stage.send(.attach(try name("a"), .readOnly), from: stage.session(uid: 7)) == [])
        #expect(
            stage.send(.attach(try name("a"), .readWrite), from: stage.session(uid: 7)).failure?.error == EACCES)
        let replies = stage.made(segmentID).replies
        #expect(replies.count == 5)
        #expect(replies.first == .created(segmentID: segmentID))
        guard case .hello(_, let attachment?) = replies[3] else {
            Issue.record("the fourth reply is \(replies[3])")
            return
        }
        #expect(attachment.access == .readWrite)
        #expect(stage.description(of: try name("a"))?.sessionCount == 3)
    }

    @Test func helloThatWaitedGetsItsSessionWhenTheMemoryFails() throws {
        var stage = Stage()
        let (creator, late) = (stage.session(), stage.connect().peer)
        let segmentID = try #require(stage.send(.create(try definition("a")), from: creator).madeSegmentID)
        let hello = Hello(
            majors: 1...1, features: 0, program: [], attach: .init(segment: try name("a"), access: .readWrite))
        _ = stage.send(.hello(hello), from: late)
        let effects = stage.broker.handle(.memoryFailed(segmentID: segmentID, error: 0, reason: "unknown"))
        let replies = effects.replies
        #expect(replies.count == 3)
        #expect(replies[1] == .hello(Stage.welcome(2, over: late), attachment: nil))
        guard case .failure(let failure) = replies[2] else {
            Issue.record("the third reply is \(replies[2])")
            return
        }
        #expect(failure.error == EIO)
    }

    @Test func waitersThatHungUpAreForgotten() throws {
        var stage = Stage()
        let (creator, guest) = (stage.session(), stage.session())
        let segmentID = try #require(stage.send(.create(try definition("a")), from: creator).madeSegmentID)
        _ = stage.send(.attach(try name("a"), .readOnly), from: guest)
        _ = stage.broker.handle(.hungUp(guest))
        #expect(stage.made(segmentID).replies == [.created(segmentID: segmentID)])
        #expect(stage.description(of: try name("a"))?.sessionCount == 0)
    }

    @Test func waitingRequestsOfASessionAreLimited() throws {
        var stage = Stage()
        let (creator, guest) = (stage.session(), stage.session())
        let segmentID = try #require(stage.send(.create(try definition("a")), from: creator).madeSegmentID)
        for _ in 0..<64 { #expect(stage.send(.attach(try name("a"), .readOnly), from: guest) == []) }
        #expect(stage.send(.attach(try name("a"), .readOnly), from: guest).failure?.error == EDQUOT)
        let refused = stage.send(.create(try definition("b")), from: guest)
        #expect(refused.failure?.error == EDQUOT)
        #expect(refused.count == 1)
        #expect(stage.made(segmentID).replies.count == 65)
        #expect(stage.send(.attach(try name("a"), .readOnly), from: guest).reply != nil)
    }

    @Test func workerReportsThatFitNothingAreLogged() throws {
        var stage = Stage(segments: [try definition("a", owner: 0, group: 0)])
        let twice = stage.made(1, dataByteCount: 4096)
        #expect(twice.count == 1)
        #expect(twice.logged(.error).count == 1)
        let unknown = stage.made(9)
        #expect(unknown.count == 2)
        #expect(unknown.last == .releaseMemory(segmentID: 9))
        for segmentID in [UInt64(1), 9] {
            let failed = stage.broker.handle(.memoryFailed(segmentID: segmentID, error: EIO, reason: "x"))
            #expect(failed.count == 1)
            #expect(failed.logged(.error).count == 1)
        }
        #expect(stage.description(of: try name("a"))?.dataByteCount == 1 << 20)
    }

    // MARK: remove

    @Test func ownerAndRootRemove() throws {
        for (uid, may) in [(UInt32(0), true), (1000, true), (1001, false)] {
            var stage = Stage()
            let segmentID = try stage.create(try definition("a", mode: 0o666), from: stage.session(uid: 1000))
            let peer = stage.session(uid: uid, gid: 100)
            let effects = stage.send(.remove(try name("a")), from: peer)
            if may {
                #expect(
                    effects == [
                        .save, .forget(try name("a")), .releaseMemory(segmentID: segmentID),
                        .reply(peer, requestID: stage.lastRequestID, .removed),
                        .log(.notice, "process 2 of uid \(uid) removed segment a"), .statusChanged,
                    ])
                #expect(stage.description(of: try name("a")) == nil)
            } else {
                #expect(
                    effects.failure
                        == Failure(
                            error: EACCES,
                            text: "uid 1001 may not remove segment a, only its owner and root may: it belongs to "
                                + "uid 1000, gid 100, mode 0666"))
            }
        }
    }

    @Test func removeRefusesWhatIsMissingOrUnfinished() throws {
        var stage = Stage()
        let peer = stage.session()
        #expect(stage.send(.remove(try name("a")), from: peer).failure?.error == ENOENT)
        _ = stage.send(.create(try definition("a")), from: peer)
        #expect(stage.send(.remove(try name("a")), from: peer).failure?.error == EBUSY)
        #expect(stage.send(.remove(try name("a")), from: stage.session(uid: 5)).failure?.error == EACCES)
    }

    @Test func nameIsFreeAfterRemovalButTheIDIsNot() throws {
        var stage = Stage()
        let peer = stage.session()
        let first = try stage.create(try definition("a"), from: peer)
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        _ = stage.send(.remove(try name("a")), from: peer)
        let second = try stage.create(try definition("a"), from: peer)
        #expect(second != first)
        #expect(stage.description(of: try name("a"))?.sessionCount == 0)
    }
}
