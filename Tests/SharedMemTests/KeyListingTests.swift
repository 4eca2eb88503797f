import SharedMem
import Synchronization
import TestSupport
import Testing

/// Keys one after the other behind a cursor.
@Suite struct KeyListingTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    /// All keys of one pass, in its order.
    private static func pass(_ segment: Segment, prefix: String = "") throws -> [String] {
        var cursor: UInt64 = 0
        var keys: [String] = []
        while let key = try segment.nextKey(after: &cursor, prefix: Array(prefix.utf8)) {
            keys.append(String(decoding: key, as: UTF8.self))
        }
        return keys
    }

    @Test func everyKeyIsListedOnce() throws {
        let segment = try served.open()
        let keys = (0..<100).map { "key \($0)" }
        for key in keys { try segment.set(key, to: []) }
        #expect(try Self.pass(segment).sorted() == keys.sorted())
        #expect(try Self.pass(served.open(.readOnly)).sorted() == keys.sorted())
    }

    @Test func emptySegmentHasNoKeyAndTheEndStaysTheEnd() throws {
        let segment = try served.open()
        var cursor: UInt64 = 0
        for _ in 0..<3 { #expect(try segment.nextKey(after: &cursor) == nil) }
        cursor = .max
        #expect(try segment.nextKey(after: &cursor) == nil)
    }

    @Test func prefixChoosesTheKeysThatBeginWithIt() throws {
        let segment = try served.open()
        for key in ["", "a", "ab", "abc", "b", "ba", "a/b"] { try segment.set(key, to: []) }
        #expect(try Self.pass(segment, prefix: "").count == 7)
        #expect(try Self.pass(segment, prefix: "a").sorted() == ["a", "a/b", "ab", "abc"])
        #expect(try Self.pass(segment, prefix: "ab").sorted() == ["ab", "abc"])
        #expect(try Self.pass(segment, prefix: "abcd") == [])
        #expect(try Self.pass(segment, prefix: String(repeating: "a", count: 600)) == [])
    }

    @Test func cursorGoesOnWhereItStoodInAnotherHandle() throws {
        let segment = try served.open()
        for number in 0..<50 { try segment.set("\(number)", to: []) }
        let whole = try Self.pass(segment)
        var cursor: UInt64 = 0
        var pieces: [String] = []
        for number in 0..<50 {
            let handle = number % 10 == 0 ? try served.open(.readOnly) : segment
            let key = try #require(try handle.nextKey(after: &cursor))
            pieces.append(String(decoding: key, as: UTF8.self))
        }
        #expect(pieces == whole)
    }

    /// A writer sets, replaces and deletes other keys, and replaces the ones that stay.
    @Test func keyThatStaysComesExactlyOnceWhileAWriterGoesOn() throws {
        let segment = try served.open()
        let stays = Set((0..<200).map { "stay \($0)" })
        for key in stays { try segment.set(key, to: [0]) }
        let writer = Writer()
        let thread = SecondThread { try writer.write(segment) }
        defer { writer.isOver.store(true, ordering: .relaxed) }
        let reader = try served.open(.readOnly)
        let limit = ContinuousClock.now + .seconds(120)
        var passes = 0
        // Until the writer has been everywhere several times.
        while passes < 100 || writer.rounds.load(ordering: .relaxed) < 3000 {
            try #require(ContinuousClock.now < limit, "\(passes) passes and no end")
            let keys = try Self.pass(reader, prefix: "stay ")
            try #require(keys.count == stays.count && Set(keys) == stays, "pass \(passes): \(keys.count) keys")
            passes += 1
        }
        writer.isOver.store(true, ordering: .relaxed)
        try thread.join()
        #expect(Set(try Self.pass(segment, prefix: "stay ")) == stays)
        _ = try segment.audit()
    }

    /// Sets, replaces and deletes keys that come and go, and replaces the values of those that stay.
    private final class Writer: Sendable {
        let rounds = Atomic(0)
        let isOver = Atomic(false)

        func write(_ segment: Segment) throws {
            var round = 0
            while !isOver.load(ordering: .relaxed) {
                let value = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: round % 500)
                try segment.set("come and go \(round % 300)", to: value)
                try segment.delete("come and go \((round &* 7 &+ 100) % 300)")
                try segment.set("stay \(round % 200)", to: value)
                round += 1
                rounds.store(round, ordering: .relaxed)
            }
        }
    }
}
