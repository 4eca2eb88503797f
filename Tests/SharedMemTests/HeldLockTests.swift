import LinuxIPC
import SharedMem
import SharedMemProtocol
import SharedMemStore
import TestSupport
import Testing

/// Waits and watches of a key whose value has expired, while another writer has the lock word and keeps it.
@Suite(.serialized) struct HeldLockTests {
    let daemon: ScriptedDaemon
    private let holder: Segment
    /// Waits for the lock word for ever.
    private let segment: Segment
    /// Of the value that has expired.
    private let version: UInt64

    init() throws {
        daemon = try ScriptedDaemon()
        holder = try Segment.open("default", socketPath: daemon.socketPath)
        segment = try Segment.open("default", socketPath: daemon.socketPath)
        segment.lockTimeoutMilliseconds = .max
        version = try holder.set("key", to: [1], .expiring(in: .zero))
        try holder.withStore { (store) throws(StoreError) in _ = store.tryLock(at: SystemClock.realtime()) }
    }

    private func unlock() throws { try holder.withStore { (store) throws(StoreError) in _ = store.unlock() } }

    /// Runs `body` on a thread of its own, and waits until it has ended before the lock word is given back.
    private func beforeTheUnlock(_ body: @escaping @Sendable () throws -> Void) throws {
        let hasEnded = Flag()
        let thread = SecondThread {
            defer { hasEnded.set() }
            try body()
        }
        let ending = Result { try SharedMemTests.wait { hasEnded.isSet } }
        try unlock()
        try ending.get()
        try thread.join()
    }

    @Test(arguments: [Duration.zero, .milliseconds(100)]) func waitKeepsItsTimeout(timeout: Duration) throws {
        try beforeTheUnlock { [segment, version] in
            let found = try segment.wait(for: "key", after: version, timeout: timeout)
            #expect(found == nil)
        }
        #expect(daemon.count(.whoHolds) == 0)
        #expect(try segment.wait(for: "key", after: version)?.version == version + 1)
    }

    @Test func waitSaysThatTheValueIsAbsent() throws {
        try beforeTheUnlock { [segment, version] in
            let found = try segment.wait(for: "key", after: version - 1, timeout: .zero)
            #expect(found == KeyVersion(version: version, exists: false))
        }
    }

    @Test func waitIsCalledOff() throws {
        let cancellation = WaitCancellation()
        let canceller = SecondThread { [daemon] in
            // Asked behind the first attempt to delete.
            try SharedMemTests.wait { daemon.count(.watch) > 0 }
            cancellation.cancel()
        }
        try beforeTheUnlock { [segment, version] in
            let found = try segment.wait(for: "key", after: version, cancellation: cancellation)
            #expect(found == nil)
        }
        try canceller.join()
    }

    @Test(arguments: [Duration.zero, .milliseconds(100)]) func watchKeepsItsTimeout(timeout: Duration) throws {
        try beforeTheUnlock { [segment, version] in
            let watch = try segment.watch("key", after: version)
            #expect(try watch.next(timeout: timeout) == nil)
            #expect(try watch.poll() == nil)
        }
        #expect(daemon.count(.whoHolds) == 0)
    }

    /// Nobody else writes, so nobody else asks who has the word, which makes a daemon look whether it's ever given back.
    @Test func waiterAsksForTheHolderAndDeletesAfterIt() throws {
        let waiting = SecondThread { [segment, version] in
            let found = try segment.wait(for: "key", after: version, timeout: .seconds(60))
            #expect(found == KeyVersion(version: version + 1, exists: false))
        }
        try SharedMemTests.wait { daemon.count(.whoHolds) > 0 }
        try unlock()
        try waiting.join()
        #expect(try segment.audit().recordCount == 0)
    }

    @Test func watcherAsksForTheHolderAndDeletesAfterIt() throws {
        let watch = try segment.watch("key", after: version)
        let waiting = SecondThread { [version] in
            let found = try watch.next(timeout: .seconds(60))
            #expect(found?.changes.map(\.version) == [version + 1])
        }
        try SharedMemTests.wait { daemon.count(.whoHolds) > 0 }
        try unlock()
        try waiting.join()
        #expect(try segment.audit().recordCount == 0)
    }
}
