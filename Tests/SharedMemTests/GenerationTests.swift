import Foundation
import SharedMem
import SharedMemProtocol
import SharedMemStore
import TestSupport
import Testing

/// Segments that move to a new generation or are removed, and lock words that nobody gives back.
@Suite(.serialized) struct GenerationTests {
    let daemon: ScriptedDaemon

    init() throws { daemon = try ScriptedDaemon() }

    private func open(_ access: Segment.Access = .readWrite) throws -> Segment {
        try Segment.open("default", access: access, socketPath: daemon.socketPath)
    }

    /// Makes the next generation the current one and retires the last one, as the daemon does.
    private func move(to generation: UInt64) throws {
        let old = try #require(daemon.with { $0.segments["default"] })
        try daemon.add("default", id: 1, generation: generation)
        try old.retire()
    }

    @Test(arguments: OutageTests.Operation.all) func operationGoesOnInTheNewGeneration(
        _ operation: OutageTests.Operation
    ) throws {
        let segment = try open()
        try segment.set("key", to: [1])
        for generation in 2...4 as ClosedRange<UInt64> {
            try move(to: generation)
            // Somebody else has written into the new one already.
            try open().set("key", to: [1])
            try operation.run(segment)
        }
    }

    @Test(arguments: OutageTests.Operation.reads) func readOnlyHandleGoesOnInTheNewGeneration(
        _ operation: OutageTests.Operation
    ) throws {
        let segment = try open(.readOnly)
        for generation in 2...4 as ClosedRange<UInt64> {
            try move(to: generation)
            try open().set("key", to: [1])
            try operation.run(segment)
        }
    }

    @Test(arguments: OutageTests.Operation.all) func operationOnARemovedSegmentSaysSo(
        _ operation: OutageTests.Operation
    ) throws {
        let segment = try open()
        try segment.set("key", to: [1])
        try #require(daemon.with { $0.segments["default"] }).markRemoved()
        let error = try #require(error { try operation.run(segment) })
        #expect(error.code == .removed && error.errno == EIDRM)
    }

    @Test func handleOfAKeyFindsItInTheNewGeneration() throws {
        let segment = try open()
        let key = try segment.key("key")
        try key.set(to: [UInt8]([1]))
        try move(to: 2)
        #expect(try key.get() == nil)
        try key.set(to: [UInt8]([2]))
        #expect(try key.get() == [2])
        #expect(try open().get("key") == [2])
    }

    /// Takes the lock word and doesn't give it back.
    private func takeLock() throws -> Segment {
        let holder = try open()
        try holder.withStore { (store) throws(StoreError) in _ = store.tryLock(at: 1) }
        return holder
    }

    @Test func waiterNamesWhoHasTheLockWord() throws {
        let holder = try takeLock()
        let other = try open()
        other.lockTimeoutMilliseconds = 1200
        daemon.with { state in
            state.holder = Holder(
                session: 1, state: .connected, pid: 4711, uid: 1000,
                takenAt: UInt64(Date().timeIntervalSince1970 - 3600) * 1_000_000_000,
                program: Array("wor\u{1b}ker".utf8))
        }
        let error = try #require(error { try other.set("key", to: [1]) })
        #expect(error.code == .lockTimeout && error.errno == ETIMEDOUT)
        #expect(
            error.description.hasPrefix(
                "segment 'default': session 1, pid 4711 ('wor?ker'), has held the lock word for 36"))
        // After a second, and when it gave up.
        #expect(daemon.count(.whoHolds) >= 2)
        try holder.withStore { (store) throws(StoreError) in _ = store.unlock() }
        try other.set("key", to: [1])
    }

    @Test func waiterSurvivesADaemonThatDoesntSay() throws {
        let holder = try takeLock()
        let other = try open()
        other.lockTimeoutMilliseconds = 1200
        let error = try #require(error { try other.set("key", to: [1]) })
        #expect(error.code == .lockTimeout)
        #expect(error.description.contains("session 1 has held the lock word for more than 1"))
        #expect(daemon.count(.whoHolds) >= 2)
        daemon.stop()
        other.graceTime = nil
        #expect(failure { try other.set("key", to: [1]) } == .lockTimeout)
        try holder.withStore { (store) throws(StoreError) in _ = store.unlock() }
        try other.set("key", to: [1])
    }

    @Test func waiterGoesOnInTheGenerationThatReplacesItsHolders() throws {
        let holder = try takeLock()
        let other = try open()
        other.lockTimeoutMilliseconds = 60_000
        daemon.with { state in
            state.holder = Holder(session: 1, state: .replaced, pid: 0, uid: 0, takenAt: 0, program: [])
        }
        let waiting = SecondThread { try other.set("key", to: [2]) }
        try wait { daemon.count(.whoHolds) > 0 }
        try move(to: 2)
        try waiting.join()
        #expect(try open().get("key") == [2])
        #expect(try holder.get("key") == [2])
    }

    @Test func switchThatTakesTooLongIsSaidToGoOn() throws {
        let holder = try takeLock()
        let other = try open()
        other.lockTimeoutMilliseconds = 50
        daemon.with { state in
            state.holder = Holder(session: 1, state: .replaced, pid: 7, uid: 0, takenAt: 0, program: [])
        }
        let error = try #require(error { try other.set("key", to: [1]) })
        #expect(error.code == .lockTimeout)
        #expect(error.description.contains("session 1, pid 7, doesn't give the lock word back"))
        try holder.withStore { (store) throws(StoreError) in _ = store.unlock() }
    }

    /// The daemon dies with the lock word taken; its successor has another generation.
    @Test func waiterLooksForADaemonThatIsGone() throws {
        let holder = try takeLock()
        let other = try open()
        other.lockTimeoutMilliseconds = 60_000
        other.graceTime = nil
        let waiting = SecondThread { try other.set("key", to: [2]) }
        try wait { daemon.count(.whoHolds) > 0 }
        daemon.stop()
        try daemon.add("default", id: 1, generation: 2)
        try daemon.start()
        try waiting.join()
        #expect(try open().get("key") == [2])
        _ = try holder.get("key")
    }

    @Test func pinIsGivenBackAfterAReconnect() throws {
        try daemon.add("default", id: 1, byteCount: 36 << 20)
        let (segment, reader) = (try open(), try open(.readOnly))
        try segment.set("key", to: [UInt8](repeating: 1, count: 5 << 20))
        let count = try reader.withValue(of: "key") { (bytes, _) throws(SharedMemError) in
            daemon.hangUp()
            return bytes.byteCount
        }
        #expect(count == 5 << 20)
        #expect(daemon.count(.pin) == 1)
        try wait {
            _ = try reader.withValue(of: "key") { (_, _) throws(SharedMemError) in }
            return daemon.count(.unpin) >= 2
        }
        // As often as it was asked for, over whichever connection.
        let heard = daemon.with { $0.heard.filter { $0.request.kind == .pin || $0.request.kind == .unpin } }
        let numbers = Set(heard.filter { $0.request.kind == .unpin }.map(\.requestID))
        #expect(numbers.count <= heard.filter { $0.request.kind == .pin }.count)
        #expect(Set(heard.map(\.connection)).count > 1)
    }
}
