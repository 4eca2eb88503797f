import Foundation
import SharedMem
import Synchronization
import Testing

/// Transactions of the client library.
@Suite struct TransactionTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func changesHappenTogetherAndAreSeenInsideBefore() throws {
        let segment = try served.open()
        try segment.set("old", to: "there")
        let seen = try segment.transaction { (transaction) throws(SharedMemError) in
            try transaction.set("one", to: 1)
            try transaction.set("two", to: "zwei")
            try transaction.delete("old")
            let inside = try (
                transaction.get("one", as: Int.self), transaction.get("two", as: String.self), transaction.get("old")
            )
            let outside = try segment.values(of: ["one", "two", "old"])
            return inside == (1, "zwei", nil) && outside == [nil, nil, Array("there".utf8)]
        }
        #expect(seen)
        #expect(try segment.get("one", as: Int.self) == 1)
        #expect(try segment.string("two") == "zwei")
        #expect(try segment.get("old") == nil)
        #expect(try segment.metadata("one")?.version == segment.metadata("two")?.version)
    }

    @Test func changeOfWhatWasReadStopsTheCommit() throws {
        let segment = try served.open()
        try segment.set("a", to: 1)
        let code = failure {
            var transaction = Transaction(segment)
            #expect(try transaction.get("a", as: Int.self) == 1)
            #expect(try transaction.get("b") == nil)
            try transaction.set("c", to: 3)
            try segment.set("b", to: 2)
            _ = try transaction.commit()
        }
        #expect(code == .versionDiffers)
        #expect(try segment.get("c") == nil)
    }

    @Test func closureRunsAgainAfterAConflict() throws {
        let segment = try served.open()
        try segment.set("counter", to: 10)
        var runs = 0
        let sum = try segment.transaction { (transaction) throws(SharedMemError) in
            runs += 1
            let counter = try transaction.get("counter", as: Int.self) ?? 0
            if runs == 1 { try segment.add(5, to: "counter") }
            try transaction.set("counter", to: counter + 1)
            return counter + 1
        }
        #expect(runs == 2)
        #expect(sum == 16)
        #expect(try segment.get("counter", as: Int.self) == 16)
    }

    @Test func closureThatAlwaysMeetsAConflictIsGivenUp() throws {
        let segment = try served.open()
        var runs = 0
        let code = failure {
            try segment.transaction { (transaction) throws(SharedMemError) in
                runs += 1
                _ = try transaction.get("counter")
                try segment.add(1, to: "counter")
                try transaction.set("result", to: runs)
            }
        }
        #expect(code == .versionDiffers)
        #expect(runs == 100)
        #expect(try segment.get("result") == nil)
    }

    @Test func allThatIsReadIsOfOneMoment() throws {
        let segment = try served.open()
        try segment.set("a", to: 1)
        try segment.set("b", to: 1)
        var torn = Transaction(segment)
        _ = try torn.get("a")
        try segment.transaction { (other) throws(SharedMemError) in
            try other.set("a", to: 2)
            try other.set("b", to: 2)
        }
        #expect(failure { _ = try torn.get("b") } == .versionDiffers)

        // A later moment is as good, as long as nothing that was read has changed.
        var later = Transaction(segment)
        #expect(try later.get("a", as: Int.self) == 2)
        try segment.set("b", to: 3)
        #expect(try later.get("b", as: Int.self) == 3)
        try later.set("c", to: 5)
        #expect(try later.commit() == segment.metadata("c")?.version)
    }

    @Test func expectedVersionIsRequired() throws {
        let segment = try served.open()
        let version = try segment.set("a", to: 1)
        try segment.transaction { (transaction) throws(SharedMemError) in
            try transaction.expect(version, of: "a")
            try transaction.expect(0, of: "b")
            try transaction.set("b", to: 2, .ifVersion(0))
        }
        #expect(try segment.get("b", as: Int.self) == 2)
        for wrong in [version + 1, 0] {
            let code = failure {
                try segment.transaction { (transaction) throws(SharedMemError) in
                    try transaction.expect(wrong, of: "a")
                    try transaction.set("b", to: 3)
                }
            }
            #expect(code == .versionDiffers)
        }
        #expect(try segment.get("b", as: Int.self) == 2)
        // Without a change there is nothing to lock for, and the condition counts all the same.
        let code = failure {
            var nothing = Transaction(segment)
            try nothing.expect(version + 1, of: "a")
            _ = try nothing.commit()
        }
        #expect(code == .versionDiffers)
    }

    @Test func cancelledTransactionAndOneThatThrowsWriteNothing() throws {
        let segment = try served.open()
        let result = try segment.transaction { (transaction) throws(SharedMemError) in
            try transaction.set("a", to: 1)
            transaction.cancel()
            return 7
        }
        #expect(result == 7)
        let code = failure {
            try segment.transaction { (transaction) throws(SharedMemError) in
                try transaction.set("a", to: 1)
                try transaction.set([UInt8](repeating: 0, count: 513), to: 1)
            }
        }
        #expect(code == .keyTooLong)
        #expect(try segment.get("a") == nil)
    }

    @Test func transactionWithoutRoomWritesNothing() throws {
        let segment = try served.open()
        try segment.set("a", to: "old")
        let code = failure {
            try segment.transaction { (transaction) throws(SharedMemError) in
                try transaction.set("a", to: "new")
                for key in 0..<20 { try transaction.set([UInt8(key)], to: [UInt8](repeating: 1, count: 100_000)) }
            }
        }
        #expect(code == .full)
        #expect(try segment.string("a") == "old")
        #expect(try segment.values(of: (0..<20).map { [UInt8($0)] }).allSatisfy { $0 == nil })
        try segment.set("b", to: [UInt8](repeating: 2, count: 500_000))
    }

    @Test func readOnlyHandleReadsInTransactions() throws {
        try served.open().set("a", to: 1)
        let segment = try served.open(.readOnly)
        let read = try segment.transaction { (transaction) throws(SharedMemError) in
            try transaction.get("a", as: Int.self)
        }
        #expect(read == 1)
        let code = failure {
            try segment.transaction { (transaction) throws(SharedMemError) in try transaction.set("a", to: 2) }
        }
        #expect(code == .readOnly)
    }

    @Test func thousandKeysChangeTogether() throws {
        let segment = try served.open()
        try segment.transaction { (transaction) throws(SharedMemError) in
            for key in (0..<1000).reversed() { try transaction.set("key \(key)", to: key) }
        }
        let values = try segment.values(of: (0..<1000).map { "key \($0)" }, as: Int.self)
        #expect(values == (0..<1000).map { $0 })
        #expect(try segment.metadata("key 0")?.version == segment.metadata("key 999")?.version)
    }

    /// Four threads move money between accounts; whoever looks at all of them at once sees the same sum.
    @Test func sumStaysTheSameForEverybody() throws {
        let segment = try served.open()
        let accounts = (0..<8).map { "account \($0)" }
        for account in accounts { try segment.set(account, to: 100) }
        let readers = [segment, try served.open(.readOnly)]
        let isDone = Atomic<Bool>(false)
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 6) { thread in
            do {
                if thread < 4 {
                    for turn in 0..<300 {
                        let (from, to) = (accounts[(turn + thread) % 8], accounts[(turn * 3 + thread + 1) % 8])
                        try segment.transaction { (transaction) throws(SharedMemError) in
                            let amount = try transaction.get(from, as: Int.self) ?? 0
                            try transaction.set(from, to: amount - 1)
                            try transaction.set(to, to: (try transaction.get(to, as: Int.self) ?? 0) + 1)
                        }
                    }
                    if thread == 0 { isDone.store(true, ordering: .releasing) }
                } else {
                    var looks = 0
                    while !isDone.load(ordering: .acquiring) || looks == 0 {
                        looks += 1
                        let values = try readers[thread - 4].values(of: accounts, as: Int.self)
                        let sum = values.reduce(0) { $0 + ($1 ?? 0) }
                        if sum != 800 { failures.withLock { $0.append("\(values) after \(looks) looks") } }
                    }
                }
            } catch {
                failures.withLock { $0.append("thread \(thread): \(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(try segment.values(of: accounts, as: Int.self).reduce(0) { $0 + ($1 ?? 0) } == 800)
    }
}
