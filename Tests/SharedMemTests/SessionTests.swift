import SharedMem
import Testing

/// Sessions against a daemon of this build: what there is, and what there isn't.
@Suite struct SessionTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func unknownSegmentAndBadNameAreToldApart() throws {
        #expect(failure { try Segment.open("nothing", socketPath: served.socketPath) } == .noSuchSegment)
        #expect(failure { try Segment.open(".hidden", socketPath: served.socketPath) } == .invalidArgument)
        #expect(failure { try Segment.open("", socketPath: served.socketPath) } == .invalidArgument)
    }

    @Test func missingDaemonIsNamedWithItsSocket() throws {
        do {
            _ = try Session(socketPath: "/nowhere/control.sock")
            Issue.record("nobody listens there")
        } catch {
            #expect(error.code == .notConnected)
            #expect(error.description.contains("/nowhere/control.sock"))
        }
        let long = "/tmp/" + String(repeating: "x", count: 120)
        #expect(failure { try Session(socketPath: long) } == .invalidArgument)
    }

    @Test func removedSegmentIsSaidToBeRemoved() throws {
        let session = try Session(socketPath: served.socketPath)
        var options = SegmentOptions()
        options.byteCount = 1 << 20
        try session.create("short-lived", options: options)
        let segment = try session.open("short-lived")
        try segment.set("key", to: [1])
        #expect(try session.info(of: "short-lived").sessionCount == 1)
        #expect(failure { try session.create("short-lived", options: options) } == .exists)
        try session.remove("short-lived")
        // The header is marked by the daemon's loop before it answers.
        #expect(failure { try segment.get("key") } == .removed)
        #expect(failure { try segment.set("key", to: [2]) } == .removed)
        #expect(failure { try session.info(of: "short-lived") } == .noSuchSegment)
    }

    @Test func oneSessionOpensManySegments() throws {
        let session = try Session(socketPath: served.socketPath)
        var options = SegmentOptions()
        options.byteCount = 64 << 10
        for number in 0..<40 { try session.create("s\(number)", options: options) }
        for number in 0..<40 { try session.open("s\(number)").set("n", to: [UInt8(number)]) }
        for number in 0..<40 { #expect(try session.open("s\(number)", access: .readOnly).get("n") == [UInt8(number)]) }
        #expect(try session.segments().count == 41)
    }
}
