import SharedMemBroker
import SharedMemProtocol
import Testing

/// What SESSIONS and STATISTICS say.
struct ReportTests {
    /// All pages that a connection gets.
    private func pages(_ stage: inout Stage, _ peer: PeerID) -> [[SessionDescription]] {
        var pages: [[SessionDescription]] = []
        var cursor: SessionCursor?
        while pages.count < 20 {
            guard case .sessions(let page, let more) = stage.send(.sessions(after: cursor), from: peer).reply else {
                break
            }
            pages.append(page)
            cursor = page.last.map { SessionCursor(session: $0.session, segmentID: $0.segmentID) }
            if !more { break }
        }
        return pages
    }

    @Test func sessionsAreDescribedWithEachOfTheirSegments() throws {
        var stage = Stage(segments: try ["a", "b"].map { try definition($0, mode: 0o666, owner: 0, group: 0) })
        let first = stage.session(program: "p")
        _ = stage.send(.attach(try name("b"), .readWrite), from: first)
        for _ in 0..<2 { _ = stage.send(.attach(try name("a"), .readOnly), from: first) }
        _ = stage.send(.detach(segmentID: 2), from: first)
        let second = stage.session()
        let since = Stage.connectedAt + 1_000_000_000
        var expected = SessionDescription(
            session: 1, state: .connected, pid: 1, uid: 1000, since: since, segmentID: 1, access: .readOnly,
            attachedCount: 2, segment: try name("a"), program: Array("p".utf8))
        var rows = [expected]
        expected.segmentID = 2
        expected.access = .readWrite
        expected.attachedCount = 0
        expected.segment = try name("b")
        rows.append(expected)
        rows.append(
            SessionDescription(
                session: 2, state: .connected, pid: 2, uid: 1000, since: since + 1_000_000_000, segmentID: 0,
                access: nil, attachedCount: 0, segment: nil, program: []))
        #expect(pages(&stage, second) == [rows])
        _ = stage.hangUp(first)
        #expect(pages(&stage, second).first?.map(\.state) == [.abandoned, .connected])
        #expect(pages(&stage, second).first?.map(\.segmentID) == [2, 0])
    }

    @Test func usersSeeTheirOwnSessionsAndRootSeesAll() {
        var stage = Stage()
        let (mine, _, root) = (stage.session(), stage.session(uid: 7), stage.session(uid: 0))
        #expect(pages(&stage, mine).flatMap(\.self).map(\.session) == [1])
        #expect(pages(&stage, root).flatMap(\.self).map(\.session) == [1, 2, 3])
    }

    @Test func pagesDivideTheSegmentsOfASession() throws {
        let segments = try (0..<25).map { try definition("s\($0)", mode: 0o666, owner: 0, group: 0) }
        var stage = Stage(segments: segments, connectionsPerUser: 20)
        for _ in 0..<2 {
            let peer = stage.session()
            for segment in segments { _ = stage.send(.attach(segment.name, .readOnly), from: peer) }
        }
        let root = stage.session(uid: 0)
        let all = pages(&stage, root)
        #expect(all.map(\.count) == [20, 20, 11])
        let keys = all.flatMap(\.self).map { [UInt64($0.session), $0.segmentID] }
        #expect(keys == (1...2).flatMap { id in (1...25).map { [UInt64(id), $0] } } + [[3, 0]])
    }

    @Test func removedSegmentHasNoName() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let peer = stage.session()
        _ = stage.send(.attach(try name("a"), .readWrite), from: peer)
        _ = stage.send(.remove(try name("a")), from: stage.session(uid: 0))
        let row = try #require(pages(&stage, peer).first?.first)
        #expect(row.segment == nil)
        #expect(row.segmentID == 1)
        #expect(row.attachedCount == 1)
    }

    @Test func statisticsSayWhatIsThere() throws {
        var stage = Stage(segments: [try definition("a", mode: 0o666, owner: 0, group: 0)])
        let left = stage.session()
        _ = stage.send(.attach(try name("a"), .readWrite), from: left)
        _ = stage.hangUp(left)
        guard case .statistics(let statistics) = stage.send(.statistics, from: stage.session()).reply else {
            Issue.record("no statistics came")
            return
        }
        var expected = Statistics()
        expected.byteCount = 1 << 20 + 8192
        expected.byteLimit = 1 << 30
        expected.segmentCount = 1
        expected.sessionCount = 1
        expected.abandonedCount = 1
        #expect(statistics == expected)
    }
}
