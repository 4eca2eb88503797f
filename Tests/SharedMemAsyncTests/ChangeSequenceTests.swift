import SharedMem
import SharedMemAsync
import TestSupport
import Testing

/// Changes as sequences, against a daemon of this build.
@Suite(.timeLimit(.minutes(5))) struct ChangeSequenceTests {
    private let daemon: DaemonProcess

    init() throws {
        daemon = try DaemonProcess(
            configuration: """
                memory-limit: 1GiB
                segments:
                  default:
                    size: 4MiB
                    mode: "0666"
                """)
    }

    private func open(_ access: Segment.Access = .readWrite) throws -> Segment {
        try Segment.open("default", access: access, socketPath: daemon.socketPath)
    }

    @Test(arguments: [Segment.Access.readOnly, .readWrite]) func lastValueOfAKeyAlwaysComes(
        _ access: Segment.Access
    ) async throws {
        let (segment, setter) = (try open(access), try open())
        let rounds = 2000
        let changes = try segment.changes(of: "key")
        let thread = SecondThread {
            for round in 1...rounds { try setter.set("key", to: round) }
        }
        var last: UInt64 = 0
        for try await found in changes {
            #expect(!found.isListing && found.changes.count == 1)
            let change = try #require(found.changes.first)
            #expect(change.kind == .set && change.version > last)
            last = change.version
            if try segment.get("key", as: Int.self) == rounds, try segment.metadata("key")?.version == last { break }
        }
        try thread.join()
        #expect(try setter.metadata("key")?.version == last)
    }

    @Test func keysOfAPrefixComeWithAListingFirst() async throws {
        let (segment, setter) = (try open(.readOnly), try open())
        try setter.set("a/1", to: [1])
        var iterator = try segment.changes(prefix: "a/", listingFirst: true).makeAsyncIterator()
        let listing = try #require(try await iterator.next())
        #expect(listing.isListing && listing.changes.map(\.key) == [Array("a/1".utf8)])
        try setter.set("b/1", to: [1])
        try setter.set("a/2", to: [1])
        let found = try #require(try await iterator.next())
        #expect(!found.isListing && found.changes.map(\.key) == [Array("a/2".utf8)])
    }

    @Test func whoFallsBehindIsToldAllKeys() async throws {
        let (segment, setter) = (try open(.readOnly), try open())
        var iterator = try segment.changes(prefix: "").makeAsyncIterator()
        for number in 0..<50 { try setter.set("\(number)", to: [1]) }
        let found = try #require(try await iterator.next())
        #expect(found.isListing && found.changes.count == 50)
    }

    @Test func taskThatIsCancelledEndsItsLoop() async throws {
        let segment = try open(.readOnly)
        let tasks = try (0..<4).map { number in
            let changes = try segment.changes(of: "key \(number)")
            return Task {
                var count = 0
                for try await _ in changes { count += 1 }
                return count
            }
        }
        // One of them before it has begun to wait, perhaps.
        for task in tasks { task.cancel() }
        for task in tasks { #expect(try await task.value == 0) }
    }

    @Test func sequenceGoesOnAfterACancelledLoop() async throws {
        let (segment, setter) = (try open(.readOnly), try open())
        let changes = try segment.changes(of: "key")
        let task = Task { for try await _ in changes {} }
        task.cancel()
        try await task.value
        try setter.set("key", to: [1])
        var iterator = changes.makeAsyncIterator()
        #expect(try await iterator.next()?.changes.count == 1)
    }

    @Test func manySequencesShareOneThread() async throws {
        let (segment, setter) = (try open(.readOnly), try open())
        let sequences = try (0..<300).map { try segment.changes(of: "key \($0)") }
        #expect(Watch.isThreadRunning)
        try await withThrowingTaskGroup(of: UInt64.self) { group in
            for sequence in sequences {
                group.addTask {
                    var iterator = sequence.makeAsyncIterator()
                    return try #require(try await iterator.next()).changes[0].version
                }
            }
            for number in 0..<300 { try setter.set("key \(number)", to: [1]) }
            var versions: Set<UInt64> = []
            for try await version in group { versions.insert(version) }
            #expect(versions.count == 300)
        }
    }

    @Test func removalIsThrown() async throws {
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = 1 << 20
        try session.create("short-lived", options: options)
        let segment = try session.open("short-lived")
        let changes = try segment.changes(prefix: "")
        let task = Task { for try await _ in changes {} }
        try session.remove("short-lived")
        await #expect { try await task.value } throws: { ($0 as? SharedMemError)?.code == .removed }
    }
}
