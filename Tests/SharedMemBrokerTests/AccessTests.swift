import Glibc
import SharedMemBroker
import SharedMemProtocol
import Testing

struct AccessTests {
    /// A caller, a mode of a segment of uid 1000 and gid 100, and the most that the caller gets.
    struct Expectation: Sendable {
        let uid: UInt32
        let gid: UInt32
        let groups: [UInt32]
        let mode: UInt32
        let access: Access?

        init(_ uid: UInt32, _ gid: UInt32, _ groups: [UInt32], _ mode: UInt32, _ access: Access?) {
            self.uid = uid
            self.gid = gid
            self.groups = groups
            self.mode = mode
            self.access = access
        }
    }

    @Test(arguments: [
        // The owner's bits count for the owner, whatever the others say.
        Expectation(1000, 100, [], 0o600, .readWrite), .init(1000, 5, [], 0o400, .readOnly),
        .init(1000, 100, [100], 0o066, nil), .init(1000, 100, [], 0o200, nil), .init(1000, 1, [], 0o000, nil),
        // The group's bits count for its members, primary or supplementary.
        .init(1, 100, [], 0o060, .readWrite), .init(1, 5, [6, 100], 0o060, .readWrite),
        .init(1, 5, [100], 0o640, .readOnly), .init(1, 100, [], 0o606, nil), .init(1, 5, [100], 0o606, nil),
        .init(1, 100, [], 0o020, nil),
        // The last bits count for everybody else.
        .init(1, 5, [6], 0o666, .readWrite), .init(1, 5, [], 0o664, .readOnly), .init(1, 5, [], 0o660, nil),
        .init(1, 5, [], 0o662, nil), .init(100, 1000, [], 0o660, nil),
        // Root passes every mode; gid 0 means nothing.
        .init(0, 0, [], 0o000, .readWrite), .init(0, 5, [], 0o066, .readWrite), .init(1, 0, [0], 0o660, nil),
    ])
    func modeDecidesAsForFiles(expectation: Expectation) throws {
        var stage = Stage(segments: [try definition("a", mode: expectation.mode, owner: 1000, group: 100)])
        let peer = stage.session(uid: expectation.uid, gid: expectation.gid, groups: expectation.groups)
        let reading = stage.send(.attach(try name("a"), .readOnly), from: peer)
        #expect(reading.failure?.error == (expectation.access == nil ? EACCES : nil))
        let writing = stage.send(.attach(try name("a"), .readWrite), from: peer)
        #expect(writing.failure?.error == (expectation.access == .readWrite ? nil : EACCES))
        let shown = stage.send(.show(try name("a")), from: peer)
        #expect(shown.failure?.error == (expectation.access == nil ? EACCES : nil))
        if case .shown(let description) = shown.reply { #expect(description.access == expectation.access) }
        guard case .list(let page, false) = stage.send(.list(after: nil), from: peer).reply else {
            Issue.record("no list came")
            return
        }
        #expect(page.map(\.access) == (expectation.access == nil ? [] : [expectation.access]))
    }

    @Test func refusalSaysWhoseSegmentItIs() throws {
        var stage = Stage(segments: [try definition("docs", mode: 0o640, owner: 0, group: 5)])
        let peer = stage.session()
        #expect(
            stage.send(.attach(try name("docs"), .readWrite), from: peer).failure?.text
                == "uid 1000 may not attach to segment docs to write it, which needs r and w: it belongs to uid 0, "
                + "gid 5, mode 0640")
        #expect(
            stage.send(.attach(try name("docs"), .readOnly), from: peer).failure?.text
                == "uid 1000 may not attach to segment docs to read it, which needs r: it belongs to uid 0, gid 5, "
                + "mode 0640")
        #expect(
            stage.send(.show(try name("docs")), from: peer).failure?.text
                == "uid 1000 may not see segment docs, which needs r: it belongs to uid 0, gid 5, mode 0640")
        let missing = stage.send(.attach(try name("nope"), .readOnly), from: peer).failure
        #expect(
            missing
                == Failure(error: ENOENT, text: "there is no segment nope, expected the name of one that exists"))
    }

    @Test func attachmentsCarryWhatTheAccessNeeds() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session()
        for (access, lockByteCount) in [(Access.readOnly, 0), (.readWrite, Stage.lockByteCount)] {
            let attachment = Attachment(
                segmentID: 1, generation: 1, dataByteCount: 1 << 20, lockByteCount: lockByteCount, access: access)
            let effects = stage.send(.attach(try name("a"), access), from: peer)
            #expect(
                effects == (access == .readWrite ? [.save] : []) + [
                    .replyWithMemory(
                        peer, requestID: stage.lastRequestID, .attached(attachment), segmentID: 1, access)
                ])
        }
    }

    @Test func sessionsAreCountedNotAttachments() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let (first, second) = (stage.session(), stage.session())
        func count(_ stage: inout Stage) throws -> UInt32? { stage.description(of: try name("a"))?.sessionCount }
        for peer in [first, first, second] { _ = stage.send(.attach(try name("a"), .readOnly), from: peer) }
        #expect(try count(&stage) == 2)
        #expect(stage.send(.detach(segmentID: 1), from: first).reply == .detached)
        #expect(try count(&stage) == 2)
        #expect(stage.send(.detach(segmentID: 1), from: first).reply == .detached)
        #expect(try count(&stage) == 1)
        #expect(
            stage.send(.detach(segmentID: 1), from: first).failure
                == Failure(
                    error: EINVAL,
                    text: "the session isn't attached to segment id 1, expected one that it's attached to"))
        #expect(stage.send(.detach(segmentID: 99), from: second).failure?.error == EINVAL)
        #expect(try count(&stage) == 1)
    }

    @Test func removedSegmentCanBeDetached() throws {
        var stage = Stage()
        let peer = stage.session()
        let segmentID = try stage.create(try definition("a"), from: peer)
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        _ = stage.send(.remove(try name("a")), from: peer)
        #expect(stage.send(.detach(segmentID: segmentID), from: peer).reply == .detached)
        #expect(stage.send(.detach(segmentID: segmentID), from: peer).failure?.error == EINVAL)
    }

    @Test func attachmentsOfASessionAreLimited() throws {
        var stage = Stage()
        let peer = stage.session()
        for _ in 0..<4096 {
            _ = try stage.create(try definition("a"), from: peer)
            #expect(stage.send(.attach(try name("a"), .readOnly), from: peer).failure == nil)
            _ = stage.send(.remove(try name("a")), from: peer)
        }
        _ = try stage.create(try definition("a"), from: peer)
        let failure = stage.send(.attach(try name("a"), .readOnly), from: peer).failure
        #expect(failure?.error == EDQUOT)
        #expect(failure?.available == 4096)
        #expect(stage.send(.detach(segmentID: 1), from: peer).reply == .detached)
        #expect(stage.send(.attach(try name("a"), .readOnly), from: peer).failure == nil)
    }

    @Test func listIsPagedInOrderOfNames() throws {
        let names = (0..<60).map { "s\($0)" }
        let definitions = try names.enumerated().map {
            try definition($1, mode: $0 % 6 == 0 ? 0o600 : 0o644, owner: 0, group: 0)
        }
        var stage = Stage(segments: definitions)
        func pages(of peer: PeerID) -> [[String]] {
            var pages: [[String]] = []
            var last: SegmentName?
            while pages.count < 10 {
                guard case .list(let page, let more) = stage.send(.list(after: last), from: peer).reply else { break }
                pages.append(page.map(\.name.description))
                last = page.last?.name
                if !more { break }
            }
            return pages
        }
        let all = pages(of: stage.session(uid: 0))
        #expect(all.map(\.count) == [24, 24, 12])
        #expect(all.flatMap(\.self) == names.sorted())
        let readable = pages(of: stage.session())
        #expect(readable.map(\.count) == [24, 24, 2])
        #expect(readable.flatMap(\.self) == names.sorted().filter { Int($0.dropFirst()).map { $0 % 6 } != 0 })
    }

    @Test(arguments: [0, 23, 24, 25, 48])
    func lastPageSaysThatItIs(count: Int) throws {
        var stage = Stage(segments: try (0..<count).map { try definition("s\($0)", owner: 0, group: 0) })
        guard case .list(let page, let more) = stage.send(.list(after: nil), from: stage.session(uid: 0)).reply else {
            Issue.record("no list came")
            return
        }
        #expect(page.count == min(count, 24))
        #expect(more == (count > 24))
    }

    @Test func listBeginsBehindAnyName() throws {
        var stage = Stage(segments: try ["b", "d"].map { try definition($0, owner: 0, group: 0) })
        let root = stage.session(uid: 0)
        for (after, expected) in [("a", ["b", "d"]), ("b", ["d"]), ("c", ["d"]), ("d", []), ("e", [])] {
            guard case .list(let page, false) = stage.send(.list(after: try name(after)), from: root).reply else {
                Issue.record("no list came")
                continue
            }
            #expect(page.map(\.name.description) == expected)
        }
    }

    @Test func showDescribesEverything() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o640, owner: 1000, group: 7)])
        let peer = stage.session(uid: 5, gid: 7)
        #expect(
            stage.send(.show(try name("a")), from: peer).reply
                == .shown(
                    SegmentDescription(
                        name: try name("a"), segmentID: 1, generation: 1, dataByteCount: 1 << 20,
                        lockByteCount: Stage.lockByteCount, createdAt: Stage.createdAt, mode: 0o640, owner: 1000,
                        group: 7, sessionCount: 0, access: .readOnly, isConfigured: true)))
        #expect(stage.send(.show(try name("b")), from: peer).failure?.error == ENOENT)
    }
}
