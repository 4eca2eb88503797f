import SharedMem
import SharedMemStore
import Testing

/// Values that live for a while.
@Suite struct ExpiryTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    /// Durations that have passed when the set returns.
    private static let past: [Duration] = [
        .zero, .nanoseconds(-1), .seconds(-1), .seconds(Int64.min), .seconds(Int64.min) * 3,
        Duration(secondsComponent: 0, attosecondsComponent: 1), Duration(secondsComponent: 0, attosecondsComponent: -1),
    ]

    /// Durations that no test outlives.
    private static let future: [Duration] = [
        .seconds(3600), .seconds(18_446_744_073), .seconds(18_446_744_074), .seconds(Int64.max),
        .seconds(Int64.max) + .nanoseconds(999_999_999), .seconds(Int64.max) * 3,
    ]

    @Test(arguments: past) func valueOfAPastExpiryIsNotThere(duration: Duration) throws {
        let segment = try served.open()
        try segment.set("key", to: "gone", .expiring(in: duration))
        #expect(try segment.get("key") == nil)
        #expect(try segment.string("key") == nil)
        #expect(try segment.metadata("key") == nil)
        var cursor: UInt64 = 0
        #expect(try segment.nextKey(after: &cursor) == nil)
        #expect(try segment.delete("key") == false)
    }

    @Test(arguments: future) func valueOfAFarExpiryIsThere(duration: Duration) throws {
        let segment = try served.open()
        let before = try #require(try expiry(of: .seconds(3599), segment))
        try segment.set("key", to: "here", .expiring(in: duration))
        #expect(try segment.string("key") == "here")
        #expect(try #require(try segment.metadata("key")).expiresAtNanoseconds > before)
        #expect(try segment.sweepExpired() == 0)
        #expect(try segment.delete("key"))
    }

    /// When a value expires that is set now to live for `duration`.
    private func expiry(of duration: Duration, _ segment: Segment) throws -> UInt64? {
        try segment.set("now", to: [], .expiring(in: duration))
        return try segment.metadata("now")?.expiresAtNanoseconds
    }

    @Test func valueIsThereUntilItsTimeAndNotAfterwards() throws {
        let segment = try served.open()
        let start = ContinuousClock.now
        let limit = start + .seconds(60)
        try segment.set("key", to: [1], .expiring(in: .milliseconds(300)))
        while try segment.get("key") != nil, ContinuousClock.now < limit {}
        #expect(try segment.get("key") == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(300))
    }

    @Test func setWithoutExpiryTakesTheOldOneAway() throws {
        let segment = try served.open()
        try segment.set("key", to: [1], .expiring(in: .seconds(3600)))
        #expect(try segment.metadata("key")?.expiresAtNanoseconds != 0)
        try segment.set("key", to: [2])
        #expect(try segment.metadata("key")?.expiresAtNanoseconds == 0)
    }

    @Test func expiredKeyCountsAsMissingForConditions() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: [1], .expiring(in: .zero))
        let refusal = error { try segment.set("key", to: [2], .ifVersion(version)) }
        #expect(refusal?.code == .versionDiffers)
        #expect(refusal?.available == 0)
        #expect(failure { try segment.delete("key", ifVersion: version) } == .versionDiffers)
        try segment.set("key", to: [3], .ifVersion(0))
        #expect(try segment.get("key") == [3])
    }

    @Test func sweepGivesTheMemoryOfExpiredValuesBack() throws {
        let segment = try served.open()
        let value = [UInt8](repeating: 1, count: 10_000)
        try segment.set("stays", to: [7])
        try segment.set("stays for now", to: [8], .expiring(in: .seconds(3600)))
        for number in 0..<80 { try segment.set("expired \(number)", to: value, .expiring(in: .zero)) }
        let large = [UInt8](repeating: 2, count: 800_000)
        #expect(failure { try segment.set("large", to: large) } == .full)
        #expect(try segment.audit().recordCount == 82)

        #expect(try segment.sweepExpired() == 80)
        #expect(try segment.audit().recordCount == 2)
        try segment.set("large", to: large)
        #expect(try segment.get("large") == large)
        #expect(try segment.get("stays") == [7])
        #expect(try segment.get("stays for now") == [8])
        #expect(try segment.sweepExpired() == 0)
    }

    @Test func readOnlyHandleSweepsNothing() throws {
        try served.open().set("key", to: [1], .expiring(in: .zero))
        let reader = try served.open(.readOnly)
        #expect(failure { try reader.sweepExpired() } == .readOnly)
        #expect(try served.open().audit().recordCount == 1)
    }

    /// A caller that asks how much room a value needs is told of those alone that are there.
    @Test func anExpiredValueNeedsNoRoom() throws {
        let segment = try served.open()
        let handle = try segment.key("key")
        for (duration, capacity, isThere) in [(Duration.zero, 0, false), (.zero, 3, false), (.seconds(3600), 3, true)] {
            try segment.set("key", to: [1, 2, 3], .expiring(in: duration))
            let (named, handled) = try Self.reads(of: "key", handle, in: segment, capacity: capacity)
            #expect((named != nil) == isThere && (handled != nil) == isThere)
        }
        #expect(error { try Self.reads(of: "key", handle, in: segment, capacity: 2) }?.needed == 3)
    }

    /// What a get by name and one by handle find with room for so many bytes.
    private static func reads(
        of key: String, _ handle: Key, in segment: Segment, capacity: Int
    ) throws -> (named: ReadValue?, handled: ReadValue?) {
        var bytes = [UInt8](repeating: 0, count: capacity)
        return try unsafe bytes.withUnsafeMutableBytes { buffer in
            (
                try unsafe segment.get(Array(key.utf8).span.bytes, into: buffer),
                try unsafe handle.get(into: buffer)
            )
        }
    }
}
