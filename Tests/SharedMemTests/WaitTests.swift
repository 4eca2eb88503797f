import Foundation
import SharedMem
import SharedMemProtocol
import TestSupport
import Testing

/// Waits for a key, against a daemon of this build.
@Suite struct WaitTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    private static var patience: Duration { .seconds(60) }

    /// Begins a wait and lets `change` happen a moment later; returns what it found.
    private func waiting(
        _ segment: Segment, for key: String, after version: UInt64, _ change: () throws -> Void
    ) throws -> KeyVersion? {
        let found = Found()
        let thread = SecondThread {
            found.value = try segment.wait(for: key, after: version, timeout: Self.patience)
        }
        try change()
        try thread.join()
        return found.value
    }

    @Test func newerVersionIsReturnedAtOnce() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: [1])
        #expect(try segment.wait(for: "key", after: 0) == KeyVersion(version: version, exists: true))
        #expect(try segment.wait(for: "key", after: version - 1) == KeyVersion(version: version, exists: true))
    }

    @Test(arguments: [Segment.Access.readOnly, .readWrite]) func setEndsTheWait(_ access: Segment.Access) throws {
        let (segment, other) = (try served.open(access), try served.open())
        var version = try other.set("key", to: [1])
        for _ in 0..<50 {
            let found = try waiting(segment, for: "key", after: version) {
                version = try other.set("key", to: [2])
            }
            #expect(found == KeyVersion(version: version, exists: true))
        }
    }

    @Test func firstSetOfAKeyEndsTheWait() throws {
        let (segment, other) = (try served.open(.readOnly), try served.open())
        var version: UInt64 = 0
        let found = try waiting(segment, for: "key", after: 0) { version = try other.set("key", to: [1]) }
        #expect(found == KeyVersion(version: version, exists: true))
    }

    @Test func deletionEndsTheWaitAndHasAVersion() throws {
        let (segment, other) = (try served.open(.readOnly), try served.open())
        let version = try other.set("key", to: [1])
        let found = try #require(try waiting(segment, for: "key", after: version) { try other.delete("key") })
        #expect(found == KeyVersion(version: version + 1, exists: false))
        let next = try #require(
            try waiting(segment, for: "key", after: found.version) { try other.set("key", to: [2]) })
        #expect(next == KeyVersion(version: version + 2, exists: true))
    }

    @Test func transactionAndAdditionEndTheWait() throws {
        let (segment, other) = (try served.open(.readOnly), try served.open())
        let first = try #require(
            try waiting(segment, for: "key", after: 0) {
                try other.transaction { (transaction) throws(SharedMemError) in
                    try transaction.set("other", to: [UInt8]([1]))
                    try transaction.set("key", to: 7)
                }
            })
        let second = try #require(
            try waiting(segment, for: "key", after: first.version) { try other.add(1, to: "key") })
        #expect(second.version > first.version && second.exists)
    }

    @Test func waitEndsInVainWhenTheTimePasses() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: [1])
        let start = ContinuousClock.now
        #expect(try segment.wait(for: "key", after: version, timeout: .milliseconds(50)) == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(50))
        #expect(try segment.wait(for: "key", after: version, timeout: .zero) == nil)
        #expect(try segment.wait(for: "key", after: version, timeout: .seconds(-1)) == nil)
    }

    @Test func waitIsCalledOffFromAnotherThread() throws {
        let segment = try served.open(.readOnly)
        let cancellation = WaitCancellation()
        let threads = (0..<3).map { number in
            SecondThread {
                guard try segment.wait(for: "key \(number)", after: 0, cancellation: cancellation) == nil else {
                    throw Unexpected()
                }
            }
        }
        cancellation.cancel()
        for thread in threads { try thread.join() }
        #expect(cancellation.isCancelled)
        #expect(try segment.wait(for: "key", after: 0, cancellation: cancellation) == nil)
    }

    /// What a wait throws or returns that it shouldn't.
    private struct Unexpected: Error {}

    /// The waiter deletes what has expired, which everybody hears.
    @Test func expiryEndsTheWait() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        let version = try segment.set("key", to: [1], .expiring(in: .milliseconds(100)))
        let found = Found()
        let thread = SecondThread {
            found.value = try reader.wait(for: "key", after: version, timeout: Self.patience)
        }
        let own = try segment.wait(for: "key", after: version, timeout: Self.patience)
        try thread.join()
        #expect(own == KeyVersion(version: version + 1, exists: false))
        #expect(found.value == own)
    }

    @Test func expiredValueIsAbsentForAReader() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        let version = try segment.set("key", to: [1], .expiring(in: .zero))
        #expect(try reader.wait(for: "key", after: version - 1) == KeyVersion(version: version, exists: false))
        #expect(try reader.wait(for: "key", after: version, timeout: .milliseconds(20)) == nil)
        let found = try waiting(reader, for: "key", after: version) { try segment.sweepExpired() }
        #expect(found == KeyVersion(version: version + 1, exists: false))
    }

    @Test func versionOfAKeyAndOfItsAbsence() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        #expect(try reader.version(of: "key") == KeyVersion(version: 0, exists: false))
        let version = try segment.set("key", to: [1])
        #expect(try reader.version(of: "key") == KeyVersion(version: version, exists: true))
        try segment.delete("key")
        #expect(try reader.version(of: "key") == KeyVersion(version: version + 1, exists: false))
        try segment.set("key", to: [1], .expiring(in: .zero))
        #expect(try !reader.version(of: "key").exists)
    }

    @Test func longKeyIsRefused() throws {
        let segment = try served.open()
        let key = [UInt8](repeating: 1, count: 513)
        #expect(failure { try segment.wait(for: key, after: 0) } == .keyTooLong)
        #expect(failure { try segment.watch(key) } == .keyTooLong)
        #expect(failure { try segment.watch(prefix: key) } == .keyTooLong)
    }

    @Test func removalEndsTheWait() throws {
        let session = try Session(socketPath: served.socketPath)
        var options = SegmentOptions()
        options.byteCount = 1 << 20
        try session.create("short-lived", options: options)
        let segment = try session.open("short-lived")
        let thread = SecondThread { _ = try segment.wait(for: "key", after: 0, timeout: Self.patience) }
        _ = try Segment.open("short-lived", socketPath: served.socketPath).set("other", to: [1])
        try session.remove("short-lived")
        #expect(failure { try thread.join() } == .removed)
    }
}

/// What a thread has found.
private final class Found: @unchecked Sendable {
    // Proof of @unchecked: read by the thread alone that has waited for the other one's end.
    var value: KeyVersion?
}
