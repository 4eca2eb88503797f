import Foundation
import SharedMem
import TestSupport
import Testing

/// Watches that tell an event loop; the one thread that sleeps for all of them.
@Suite(.serialized) struct EventDescriptorTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment(size: "4MiB") }

    /// Whether a descriptor becomes readable within a minute.
    private func becomesReadable(_ descriptor: Int32, milliseconds: Int32 = 60_000) -> Bool {
        var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&query, 1, milliseconds) == 1
    }

    /// Looks until there is nothing more, and returns what came.
    private func drained(_ watch: Watch) throws -> [SegmentChange] {
        var changes: [SegmentChange] = []
        while let found = try watch.poll() { changes += found.changes }
        return changes
    }

    @Test(arguments: [Segment.Access.readOnly, .readWrite]) func descriptorSaysThatThereIsSomething(
        _ access: Segment.Access
    ) throws {
        let (segment, other) = (try served.open(access), try served.open())
        let watches = [try segment.watch("key"), try segment.watch(prefix: "k")]
        for watch in watches {
            let descriptor = try watch.eventDescriptor()
            #expect(try watch.eventDescriptor() == descriptor)
            // At first it may find something; then nothing.
            #expect(becomesReadable(descriptor))
            #expect(try drained(watch).isEmpty)
        }
        for round in 0..<200 {
            let version = try other.set("key", to: round)
            for watch in watches {
                try #require(becomesReadable(watch.eventDescriptor()), "round \(round)")
                var found = try drained(watch)
                // It may have been readable for no reason.
                while found.isEmpty, becomesReadable(try watch.eventDescriptor()) { found = try drained(watch) }
                #expect(found.map(\.version) == [version])
            }
        }
    }

    @Test func expiryIsSaidToo() throws {
        let segment = try served.open()
        let watch = try segment.watch("key")
        let descriptor = try watch.eventDescriptor()
        #expect(try drained(watch).isEmpty)
        try segment.set("key", to: [1], .expiring(in: .milliseconds(300)))
        var found: [SegmentChange] = []
        while found.last?.kind != .deleted, becomesReadable(descriptor) { found += try drained(watch) }
        #expect(found.map(\.kind) == [.set, .deleted])
    }

    @Test func threadEndsWithTheLastWatch() throws {
        let segment = try served.open()
        do {
            let watches = try (0..<3).map { try segment.watch("key \($0)") }
            for watch in watches { _ = try watch.eventDescriptor() }
            #expect(Watch.isThreadRunning)
        }
        try wait { !Watch.isThreadRunning }
        let again = try segment.watch("key")
        _ = try again.eventDescriptor()
        #expect(Watch.isThreadRunning)
    }

    /// More words than a thread can sleep on: the segments' own do.
    @Test func hundredsOfWatchesAreAllTold() throws {
        let segments = try (0..<4).map { _ in try served.open(.readOnly) }
        let other = try served.open()
        let watches = try (0..<400).map { try segments[$0 % 4].watch("key \($0)") }
        for watch in watches {
            _ = try watch.eventDescriptor()
            #expect(try drained(watch).isEmpty)
        }
        for round in 0..<3 {
            for number in stride(from: round, to: 400, by: 13) { try other.set("key \(number)", to: round) }
            for number in stride(from: round, to: 400, by: 13) {
                let descriptor = try watches[number].eventDescriptor()
                var found: [SegmentChange] = []
                while found.isEmpty, becomesReadable(descriptor) { found = try drained(watches[number]) }
                #expect(found.count == 1)
            }
        }
    }
}
