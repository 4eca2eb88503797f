import Foundation
import SharedMem
import SharedMemStore
import TestSupport
import Testing

/// Segments whose daemon dies, comes back or doesn't.
@Suite(.serialized) struct OutageTests {
    let daemon: ScriptedDaemon

    init() throws { daemon = try ScriptedDaemon() }

    private func open(_ access: Segment.Access = .readWrite, grace: Duration? = .seconds(5)) throws -> Segment {
        let segment = try Segment.open("default", access: access, socketPath: daemon.socketPath)
        segment.graceTime = grace
        return segment
    }

    /// Everything that a handle can do with a key `key` that has the value [1].
    struct Operation: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let run: @Sendable (Segment) throws -> Void

        init(_ name: String, _ run: @escaping @Sendable (Segment) throws -> Void) {
            testDescription = name
            self.run = run
        }

        static let reads = [
            Operation("get") { try check($0.get("key"), [1]) },
            Operation("get of a missing key") { try check($0.get("missing"), nil) },
            Operation("metadata") { try check($0.metadata("key")?.byteCount, 1) },
            Operation("key handle") { try check($0.key("key").get(), [1]) },
            Operation("values") { try check($0.values(of: ["key", "missing"]), [[1], nil]) },
            Operation("withValue") { segment in
                try check(segment.withValue(of: "key") { (bytes, _) in bytes.byteCount }, 1)
            },
            Operation("keys") { segment in
                var cursor: UInt64 = 0
                var count = 0
                while try segment.nextKey(after: &cursor) != nil { count += 1 }
                try check(count >= 1, true)
            },
            Operation("transaction that reads") { segment in
                try check(segment.transaction { (t) throws(SharedMemError) in try t.get("key") }, [1])
            },
        ]
        static let writes = [
            Operation("set") { try $0.set("key", to: [1]) },
            Operation("key handle's set") { try $0.key("key").set(to: [UInt8]([1])) },
            Operation("set of another key") { try $0.set("other", to: [1]) },
            Operation("delete") { try check($0.delete("missing"), false) },
            Operation("add") { try check($0.add(1, to: "sum") > 0, true) },
            Operation("sweep") { try check($0.sweepExpired(), 0) },
            Operation("transaction") { segment in
                try segment.transaction { (t) throws(SharedMemError) in
                    try t.set("key", to: [UInt8]([1]))
                    try t.set("pair", to: [UInt8]([1]))
                }
            },
        ]
        static let all = reads + writes
    }

    @Test(arguments: Operation.all) func operationGoesOnWhileTheDaemonIsAwayAndAfterItIsBack(
        _ operation: Operation
    ) throws {
        let segment = try open(grace: nil)
        try segment.set("key", to: [1])
        daemon.stop()
        for _ in 0..<3 { try operation.run(segment) }
        try daemon.start()
        try wait {
            try operation.run(segment)
            return daemon.count(.attach) > 0
        }
        // Nothing has happened: the session is the same one.
        #expect(daemon.count(.hello) == 1)
        try operation.run(segment)
        #expect(try segment.get("key") == [1])
    }

    @Test(arguments: Operation.all) func operationEndsAfterTheGraceTimeAndWorksAgainWithADaemon(
        _ operation: Operation
    ) throws {
        let segment = try open(grace: .zero)
        try segment.set("key", to: [1])
        daemon.stop()
        for _ in 0..<3 {
            let error = try #require(error { try operation.run(segment) })
            #expect(error.code == .notConnected && error.errno == ENOTCONN)
            #expect(error.description.contains("has been gone for more than"))
        }
        try daemon.start()
        try wait { failure { try operation.run(segment) } == nil }
    }

    @Test(arguments: Operation.reads) func readOnlyHandleDoesTheSame(_ operation: Operation) throws {
        try open().set("key", to: [1])
        let segment = try open(.readOnly, grace: .milliseconds(100))
        try operation.run(segment)
        daemon.stop()
        try wait { failure { try operation.run(segment) } == .notConnected }
        try daemon.start()
        try wait { failure { try operation.run(segment) } == nil }
    }

    /// What the tests above are for: without the look at the life word, reads go on for ever.
    @Test func clientThatNeverLooksIsNoticed() throws {
        SeededFault.ofThisProcess = .lifeIgnored
        defer { SeededFault.ofThisProcess = nil }
        let segment = try open(grace: .zero)
        try segment.set("key", to: [1])
        daemon.stop()
        for operation in Operation.all { #expect(failure { try operation.run(segment) } == nil) }
    }

    @Test func keptGenerationKeepsItsMapping() throws {
        let segment = try open(grace: nil)
        try segment.set("key", to: [1])
        let before = try address(of: segment)
        daemon.stop()
        try daemon.start()
        try wait {
            _ = try segment.get("key")
            return daemon.count(.attach) > 0
        }
        #expect(try address(of: segment) == before)
    }

    @Test func newerGenerationIsAttached() throws {
        let segment = try open(grace: nil)
        try segment.set("key", to: [1])
        daemon.stop()
        try daemon.add("default", id: 1, generation: 2)
        try daemon.start()
        try wait { try segment.get("key") == nil }
        try segment.set("key", to: [2])
        #expect(try open().get("key") == [2])
    }

    @Test func daemonThatHasLostEverythingGivesAnEmptySegment() throws {
        let segment = try open(grace: nil)
        try segment.set("key", to: [1])
        daemon.stop()
        try daemon.add("default", id: 1)
        try daemon.start(forgets: true)
        try wait { try segment.get("key") == nil }
        try segment.set("key", to: [2])
        #expect(try open().get("key") == [2])
    }

    @Test func daemonWithoutTheSegmentIsSaidToHaveNone() throws {
        let segment = try open(grace: nil)
        try segment.set("key", to: [1])
        daemon.stop()
        daemon.with { $0.segments = [:] }
        try daemon.start(forgets: true)
        try wait { failure { try segment.get("key") } == .noSuchSegment }
        #expect(failure { try segment.set("key", to: [1]) } == .noSuchSegment)
        try daemon.add("default", id: 2)
        #expect(try segment.get("key") == nil)
    }

    /// A daemon that takes connections and says nothing keeps nobody waiting.
    @Test func operationsDontWaitForAnAnswer() throws {
        let segment = try open(grace: nil)
        try segment.set("key", to: [1])
        daemon.with { $0.isSilent = true }
        daemon.stop()
        try daemon.start()
        try wait {
            for operation in Operation.all { try operation.run(segment) }
            return daemon.count(.reconnect) > 0
        }
        for operation in Operation.all { try operation.run(segment) }
        daemon.with { $0.isSilent = false }
        daemon.hangUp()
        try wait {
            try segment.set("key", to: [1])
            return daemon.count(.attach) > 0
        }
    }

    @Test func graceTimeBeginsAnewWithEachLoss() throws {
        let segment = try open(grace: .seconds(60))
        try segment.set("key", to: [1])
        for round in 1...5 {
            daemon.stop()
            #expect(try segment.get("key") == [1])
            try daemon.start()
            try wait {
                _ = try segment.get("key")
                return daemon.count(.attach) == round
            }
        }
        segment.graceTime = .zero
        #expect(try segment.get("key") == [1])
        daemon.stop()
        #expect(failure { try segment.get("key") } == .notConnected)
    }

    @Test func manyThreadsNoticeNothingOfRestarts() throws {
        let segment = try open(grace: nil)
        let reader = try open(.readOnly, grace: nil)
        let rounds = 20
        try segment.set("shared", to: [UInt8](repeating: 0, count: 100))
        let isDone = Flag()
        let threads = (0..<4).map { number in
            SecondThread {
                var count: UInt8 = 0
                let key = try segment.key("own \(number)")
                while !isDone.isSet {
                    count &+= 1
                    try key.set(to: [UInt8](repeating: count, count: 64))
                    guard try key.get() == [UInt8](repeating: count, count: 64) else { throw Wrong() }
                    try segment.set("shared", to: [UInt8](repeating: count, count: 100))
                    guard let shared = try reader.get("shared"), Set(shared).count == 1 else { throw Wrong() }
                }
            }
        }
        for _ in 0..<rounds {
            daemon.stop()
            try daemon.start()
        }
        isDone.set()
        for thread in threads { try thread.join() }
        _ = try segment.audit()
    }

    private func address(of segment: Segment) throws -> UInt {
        try segment.withStore { (store) throws(StoreError) in
            unsafe store.data.withBytes(at: 0, count: 8) { UInt(bitPattern: $0.baseAddress) }
        }
    }

    private struct Wrong: Error {}
}

/// Throws unless `found` is what was expected.
private func check<Value: Equatable>(_ found: Value, _ expected: Value) throws {
    try #require(found == expected)
}
