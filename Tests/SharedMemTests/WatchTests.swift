import Foundation
import SharedMem
import SharedMemStore
import Synchronization
import TestSupport
import Testing

/// Watches of keys and prefixes, against a daemon of this build.
@Suite struct WatchTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment(size: "4MiB") }

    static var patience: Duration { .seconds(60) }

    /// The next changes, which must come.
    private func next(_ watch: Watch) throws -> SegmentChanges { try #require(try watch.next(timeout: Self.patience)) }

    /// What must be said.
    private func change(_ kind: SegmentChange.Kind, _ key: String, _ version: UInt64) -> SegmentChange {
        SegmentChange(kind: kind, key: Array(key.utf8), version: version)
    }

    // MARK: A key

    @Test(arguments: [Segment.Access.readOnly, .readWrite]) func watchOfAKeySaysItsLastChange(
        _ access: Segment.Access
    ) throws {
        let (segment, other) = (try served.open(access), try served.open())
        try other.set("key", to: [1])
        let watch = try segment.watch("key")
        #expect(try watch.poll() == nil)
        try other.set("key", to: [2])
        let version = try other.set("key", to: [3])
        let found = try next(watch)
        #expect(found.changes == [change(.set, "key", version)] && !found.isListing)
        #expect(try watch.poll() == nil)
        try other.delete("key")
        #expect(try next(watch).changes == [change(.deleted, "key", version + 1)])
        #expect(try watch.next(timeout: .milliseconds(20)) == nil)
    }

    @Test func watchOfAKeyBeginsBehindAVersion() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: [1])
        #expect(try segment.watch("key", after: version).poll() == nil)
        #expect(try segment.watch("key", after: version - 1).poll()?.changes == [change(.set, "key", version)])
        #expect(try segment.watch("missing", after: 0).poll() == nil)
    }

    /// Deletions of a stripe's other keys aren't news of a key that is absent.
    @Test func absenceIsSaidOnce() throws {
        let segment = try served.open()
        let watch = try segment.watch("key")
        for number in 0..<300 {
            try segment.set("other \(number)", to: [1])
            try segment.delete("other \(number)")
        }
        #expect(try watch.poll() == nil)
        let version = try segment.set("key", to: [1])
        #expect(try watch.poll()?.changes == [change(.set, "key", version)])
    }

    @Test func watchOfAKeyDeletesWhatHasExpired() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: [1], .expiring(in: .milliseconds(100)))
        let watch = try segment.watch("key")
        #expect(try next(watch).changes == [change(.deleted, "key", version + 1)])
    }

    // MARK: A prefix

    @Test(arguments: [Segment.Access.readOnly, .readWrite]) func watchOfAPrefixNamesWhatHasChanged(
        _ access: Segment.Access
    ) throws {
        let (segment, other) = (try served.open(access), try served.open())
        try other.set("a/1", to: [1])
        let watch = try segment.watch(prefix: "a/")
        let everything = try segment.watch(prefix: "")
        #expect(try watch.poll() == nil)
        try other.set("a/1", to: [2])
        try other.set("b/1", to: [1])
        let third = try other.set("a/2", to: [1])
        try other.delete("a/1")
        let found = try next(watch)
        #expect(!found.isListing)
        #expect(found.changes == [change(.set, "a/2", third), change(.deleted, "a/1", third + 1)])
        #expect(try next(everything).changes.count == 3)
        #expect(try watch.poll() == nil && everything.poll() == nil)
        try other.transaction { (transaction) throws(SharedMemError) in
            try transaction.set("a/3", to: [UInt8]([1]))
            try transaction.set("a/4", to: [UInt8]([1]))
            try transaction.delete("a/2")
        }
        #expect(try next(watch).changes.count == 3)
    }

    @Test func listingComesFirstIfAskedFor() throws {
        let segment = try served.open()
        var versions: Set<UInt64> = []
        for number in 0..<100 { versions.insert(try segment.set("a/\(number)", to: [1])) }
        try segment.set("b", to: [1])
        try segment.set("a/gone", to: [1], .expiring(in: .zero))
        let watch = try segment.watch(prefix: "a/", listingFirst: true)
        let found = try next(watch)
        #expect(found.isListing)
        #expect(Set(found.changes.map(\.version)) == versions)
        #expect(try watch.poll() == nil)
    }

    /// A key that is deleted and set again may stand behind the listing's place then, where it's met once more.
    @Test func aKeyThatMovesWhileItIsListedIsNamedOnce() throws {
        let segment = try served.open()
        try segment.set("moves/key", to: [1])
        let place = try #require(try Self.slot(of: "moves/key", in: segment))
        let successor = try Self.keyThatTakes(place, from: "moves/key", in: segment)
        try segment.set("moves/key", to: [1])
        let other = try served.open()
        let outcome = Mutex<(isMoved: Bool, failure: (any Error)?)>((false, nil))
        WaitHook.whileListing { key in
            // Other tests list, too.
            guard key == Array("moves/key".utf8) else { return }
            outcome.withLock { outcome in
                guard !outcome.isMoved else { return }
                outcome.isMoved = true
                do {
                    try other.delete("moves/key")
                    try other.set(successor, to: [1])
                    try other.set("moves/key", to: [2])
                } catch {
                    outcome.failure = error
                }
            }
        }
        defer { WaitHook.whileListing(nil) }
        let found = try next(segment.watch(prefix: "moves/", listingFirst: true))
        try outcome.withLock { if let failure = $0.failure { throw failure } }
        #expect(try #require(try Self.slot(of: "moves/key", in: segment)) > place)
        let version = try #require(try segment.metadata("moves/key")?.version)
        #expect(found.isListing && found.changes == [change(.set, "moves/key", version)])
    }

    /// Where a key stands in the index.
    private static func slot(of key: String, in segment: Segment) throws -> Int? {
        try segment.withStore { (store) throws(StoreError) in
            try unsafe Array(key.utf8).span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.info(of: key, KeyHash(key, seed: store.geometry.hashSeed))?.slotOffset
            }
        }
    }

    /// Deletes a key, and finds another one that is put where it stood; neither is there afterwards.
    private static func keyThatTakes(_ slot: Int, from key: String, in segment: Segment) throws -> String {
        try segment.delete(key)
        for number in 0..<1_000_000 {
            let candidate = "successor \(number)"
            try segment.set(candidate, to: [1])
            let place = try self.slot(of: candidate, in: segment)
            try segment.delete(candidate)
            if place == slot { return candidate }
        }
        throw Unexpected()
    }

    @Test func whoFallsBehindIsToldAllKeys() throws {
        let segment = try served.open(.readOnly)
        let other = try served.open()
        let watch = try segment.watch(prefix: "a/")
        // The ring of 4 MiB has 8 entries.
        for number in 0..<50 { try other.set("a/\(number)", to: [1]) }
        try other.delete("a/0")
        let found = try next(watch)
        #expect(found.isListing)
        #expect(Set(found.changes.map(\.key)) == Set((1..<50).map { Array("a/\($0)".utf8) }))
        let version = try other.set("a/1", to: [2])
        let after = try next(watch)
        #expect(!after.isListing && after.changes == [change(.set, "a/1", version)])
    }

    /// Whatever is written beside it, a watcher that is done knows what is true.
    @Test func watcherEndsOnTheLastVersions() throws {
        let segment = try served.open(.readOnly)
        let rounds = 3000
        let watch = try segment.watch(prefix: "k", listingFirst: true)
        let setters = try (0..<2).map { setter in
            let other = try served.open()
            return SecondThread {
                for round in 0..<rounds {
                    let key = "k\(setter)/\(round % 7)"
                    if round % 5 == 4 { try other.delete(key) } else { try other.set(key, to: round) }
                }
                try other.set("k-end \(setter)", to: rounds)
            }
        }
        var known: [[UInt8]: UInt64] = [:]
        while !(known[Array("k-end 0".utf8)] != nil && known[Array("k-end 1".utf8)] != nil) {
            let found = try next(watch)
            if found.isListing { known = [:] }
            for change in found.changes { known[change.key] = change.kind == .set ? change.version : nil }
        }
        for setter in setters { try setter.join() }
        while let found = try watch.poll() {
            if found.isListing { known = [:] }
            for change in found.changes { known[change.key] = change.kind == .set ? change.version : nil }
        }
        var cursor: UInt64 = 0
        var truth: [[UInt8]: UInt64] = [:]
        while let key = try segment.nextKey(after: &cursor) { truth[key] = try segment.metadata(key)?.version }
        #expect(known == truth)
    }

    // MARK: Waiting

    @Test func watchIsCalledOffAndGoesOn() throws {
        let segment = try served.open()
        let watch = try segment.watch(prefix: "")
        let cancellation = WaitCancellation()
        let thread = SecondThread {
            guard try watch.next(cancellation: cancellation) == nil else { throw Unexpected() }
        }
        cancellation.cancel()
        try thread.join()
        try segment.set("key", to: [1])
        #expect(try next(watch).changes.count == 1)
    }

    private struct Unexpected: Error {}
}
