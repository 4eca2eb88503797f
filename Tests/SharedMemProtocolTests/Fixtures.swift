import SharedMemProtocol
import Testing

/// Makes a name that is known to be good.
func name(_ text: String) throws -> SegmentName {
    try #require(SegmentName(text))
}

/// The longest name that is allowed.
let longestName = String(repeating: "n", count: SegmentName.maximumByteCount)

/// At least one request of every type, with and without what may be left out.
func everyRequest() throws -> [Request] {
    [
        .hello(Hello(majors: 1...1, features: 0, program: [], attach: nil)),
        .hello(
            Hello(
                majors: 2...0x1234, features: 0x0102_0304_0506_0708, program: [UInt8]("grüße".utf8),
                attach: .init(segment: try name("default"), access: .readOnly))),
        .hello(
            Hello(
                majors: 0...UInt16.max, features: .max, program: [UInt8](repeating: 0x70, count: 64),
                attach: .init(segment: try name(longestName), access: .readWrite))),
        .attach(try name("a"), .readOnly),
        .attach(try name(longestName), .readWrite),
        .detach(segmentID: 0x0102_0304_0506_0708),
        .create(SegmentDefinition(name: try name("docs"), byteCount: 1 << 29)),
        .create(
            SegmentDefinition(
                name: try name("x.y_z-1"), byteCount: .max, entryCount: 77, mode: 0o666, owner: 1000, group: 0)),
        .remove(try name("docs")),
        .list(after: nil),
        .list(after: try name("docs")),
        .show(try name("docs")),
        .pin(segmentID: 0x0102_0304_0506_0708),
        .unpin(segmentID: .max),
        .reconnect(
            Reconnect(
                majors: 1...0x0203, features: 0x0102_0304_0506_0708, session: 0x3fff_fffe,
                token: SessionToken(high: 0x1112_1314_1516_1718, low: .max))),
        .whoHolds(segmentID: 0x0102_0304_0506_0708),
        .sessions(after: nil),
        .sessions(after: SessionCursor(session: 7, segmentID: 0x0102_0304_0506_0708)),
        .statistics,
        .watch(
            WatchRequest(
                segmentID: 0x0102_0304_0506_0708, generation: 0x1112_1314_1516_1718,
                words: WatchSet(stripes: 0x2122_2324_2526_2728, segment: true))),
        .watch(WatchRequest(segmentID: 1, generation: 2, words: WatchSet(stripes: .max))),
        .unwatch(WatchRequest(segmentID: .max, generation: .max, words: WatchSet())),
    ]
}

/// Makes a description whose fields all differ.
func description(_ text: String, access: Access? = .readOnly, isConfigured: Bool = true) throws -> SegmentDescription {
    SegmentDescription(
        name: try name(text), segmentID: 0x1112_1314_1516_1718, generation: 2, dataByteCount: 0x2122_2324_2526_2728,
        lockByteCount: 4096, createdAt: 0x3132_3334_3536_3738, mode: 0o640, owner: 1000, group: 1001,
        sessionCount: 9, access: access, isConfigured: isConfigured)
}

/// Makes the answer to a greeting.
func welcome(features: UInt64, session: UInt32, major: UInt16) -> Welcome {
    Welcome(
        features: features, session: session, major: major,
        token: SessionToken(high: 0x2122_2324_2526_2728, low: 0x3132_3334_3536_3738))
}

/// Makes a description of a session whose fields all differ.
func session(_ state: SessionDescription.State, segment: String?) throws -> SessionDescription {
    try SessionDescription(
        session: 0x0102_0304, state: state, pid: 4711, uid: 1000, since: 0x4142_4344_4546_4748,
        holdsSince: segment == nil ? 0 : 0x5152_5354_5556_5758, segmentID: segment == nil ? 0 : 9,
        access: segment == nil ? nil : .readWrite, attachedCount: 3, segment: segment.map(name),
        program: [UInt8]("grüße".utf8))
}

/// Makes statistics whose fields all differ.
func someStatistics() -> Statistics {
    var statistics = Statistics()
    statistics.startedAt = 1 << 60
    statistics.firstStartedAt = 1 << 59
    statistics.restartCount = 3
    statistics.byteCount = 4 << 40
    statistics.byteLimit = 5 << 40
    statistics.repairCount = 6
    statistics.switchCount = 7
    statistics.segmentCount = 8
    statistics.sessionCount = 9
    statistics.abandonedCount = 10
    statistics.storedCount = 11
    statistics.storeLimit = 12
    statistics.keptBy = .keeper
    statistics.pid = 13
    statistics.uid = 14
    statistics.version = [UInt8]("1.2.3".utf8)
    statistics.status = [UInt8]("8 segments, 4 TiB".utf8)
    return statistics
}

/// At least one reply of every type, with and without what may be left out.
func everyReply() throws -> [Reply] {
    let attachment = Attachment(
        segmentID: 5, generation: 6, dataByteCount: 0x0102_0304_0506_0708, lockByteCount: 0x90000, access: .readWrite)
    var readOnly = attachment
    readOnly.lockByteCount = 0
    readOnly.access = .readOnly
    return [
        .hello(welcome(features: 3, session: 1, major: 1), attachment: nil),
        .hello(welcome(features: .max, session: 0x3fff_fffe, major: .max), attachment: attachment),
        .reconnected(welcome(features: 3, session: 2, major: 1)),
        .holder(Holder(session: 0, state: .none, pid: 0, uid: 0, takenAt: 0, program: [])),
        .holder(
            Holder(session: 5, state: .replaced, pid: .max, uid: 1000, takenAt: 1 << 60, program: [UInt8]("x".utf8))),
        .sessions([], more: false),
        .sessions([try session(.connected, segment: nil), try session(.abandoned, segment: "docs")], more: true),
        .statistics(Statistics()),
        .statistics(someStatistics()),
        .attached(attachment),
        .attached(readOnly),
        .detached,
        .created(segmentID: .max),
        .removed,
        .list([], more: false),
        .list([try description("a"), try description("b", access: nil, isConfigured: false)], more: true),
        .shown(try description(longestName, access: .readWrite)),
        .pinned,
        .unpinned,
        .watched,
        .unwatched,
        .failure(Failure(error: 13, text: "")),
        .failure(Failure(error: .max, needed: 1, available: .max, text: "the segment “docs” isn't yours")),
    ]
}
