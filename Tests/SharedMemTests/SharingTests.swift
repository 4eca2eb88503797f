import Foundation
import SharedMem
import SharedMemStore
import TestSupport
import Testing

/// One segment used by several threads, handles and processes at once.
@Suite struct SharingTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func threadsShareOneHandle() async throws {
        let segment = try served.open()
        let rounds = 500
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for round in 0..<rounds {
                        let value = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 200 + thread)
                        try segment.set("own \(thread)", to: value)
                        guard try segment.get("own \(thread)") == value else { throw Wrong() }
                        try segment.set("shared", to: value)
                        guard let shared = try segment.get("shared"), Set(shared).count == 1 else { throw Wrong() }
                    }
                }
            }
            try await group.waitForAll()
        }
        let audit = try segment.audit()
        #expect(audit.recordCount == 9)
    }

    @Test func twoHandlesOfOneProcessSeeEachOther() throws {
        let first = try served.open()
        let second = try served.open()
        for round in 0..<1000 {
            try (round % 2 == 0 ? first : second).set("key", to: [UInt8(truncatingIfNeeded: round)])
            #expect(try (round % 2 == 0 ? second : first).get("key") == [UInt8(truncatingIfNeeded: round)])
        }
    }

    @Test func lockThatIsNotGivenBackTimesOutAndNamesItsOwner() throws {
        let holder = try served.open()
        let other = try served.open()
        other.lockTimeoutMilliseconds = 50
        try holder.withStore { (store) throws(StoreError) in _ = store.tryLock(at: 1) }
        do {
            try other.set("key", to: [1])
            Issue.record("the lock word is taken")
        } catch {
            #expect(error.code == .lockTimeout)
            #expect(error.description.contains("session "))
        }
        #expect(try other.get("key") == nil)
        try holder.withStore { (store) throws(StoreError) in _ = store.unlock() }
        try other.set("key", to: [1])
    }

    @Test func forkedChildAttachesAgain() throws {
        let process = Process()
        process.executableURL = try DaemonProcess.program("sharedmem-torture")
        process.arguments = ["fork", "--socket", served.socketPath]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "child wrote over its own attachment; parent goes on\n")
        #expect(process.terminationStatus == 0)
        #expect(try served.open().get("fork") == [3])
    }

    /// A value that a thread read and nobody wrote.
    private struct Wrong: Error {}
}
