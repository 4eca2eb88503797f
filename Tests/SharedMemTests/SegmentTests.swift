import Foundation
import SharedMem
import SharedMemStore
import TestSupport
import Testing

/// The client library against a daemon of this build.
@Suite struct SegmentTests {
    let daemon: DaemonProcess

    init() throws {
        daemon = try DaemonProcess(
            configuration: """
                memory-limit: 1GiB
                segments:
                  default:
                    size: 1MiB
                    mode: "0666"
                """)
    }

    func open(_ access: Segment.Access = .readWrite) throws(SharedMemError) -> Segment {
        try Segment.open("default", access: access, socketPath: daemon.socketPath)
    }

    @Test func valueStaysWhenItsWriterIsGone() throws {
        do { try open().set("greeting", to: "This is a test string") }
        #expect(try open(.readOnly).string("greeting") == "This is a test string")
    }

    @Test func deletedKeyIsGone() throws {
        let segment = try open()
        try segment.set("key", to: [1])
        #expect(try segment.delete("key"))
        #expect(try segment.delete("key") == false)
        #expect(try segment.get("key") == nil)
    }

    @Test func valueOfEverySizeComesBackWhole() throws {
        let segment = try open()
        for count in [0, 1, 255, 256, 257, 4096, 100_000] {
            let value = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            try segment.set([7], to: value)
            #expect(try segment.get([7]) == value)
        }
    }

    @Test func everyKeyIsListedOnce() throws {
        let segment = try open()
        let keys = (0..<100).map { Array("key \($0)".utf8) }
        for key in keys { try segment.set(key, to: []) }
        var cursor: UInt64 = 0
        var listed: [[UInt8]] = []
        while let key = try segment.nextKey(after: &cursor) { listed.append(key) }
        #expect(listed.count == 100)
        #expect(Set(listed) == Set(keys))
    }

    @Test func readOnlyHandleRefusesToWrite() throws {
        let segment = try open(.readOnly)
        #expect(failure { try segment.set("key", to: [1]) } == .readOnly)
        #expect(failure { try segment.delete("key") } == .readOnly)
    }

    @Test func longKeyAndLargeValueAreRefusedAndNothingIsLost() throws {
        let segment = try open()
        try segment.set("key", to: [1])
        #expect(failure { try segment.set([UInt8](repeating: 1, count: 513), to: []) } == .keyTooLong)
        #expect(failure { try segment.set("key", to: [UInt8](repeating: 1, count: 1 << 20)) } == .valueTooLarge)
        #expect(try segment.get("key") == [1])
    }

    @Test func fullSegmentSaysWhatWasNeededAndWhatThereIs() throws {
        let segment = try open()
        try segment.set("key", to: [UInt8](repeating: 1, count: 500_000))
        do {
            try segment.set("key", to: [UInt8](repeating: 2, count: 500_000))
            Issue.record("two values of 500,000 bytes can't fit")
        } catch {
            #expect(error.code == .full)
            #expect(error.needed >= 500_000)
            #expect(error.available > 0 && error.available < error.needed)
        }
    }

    @Test func unknownSegmentAndBadNameAreToldApart() throws {
        #expect(failure { try Segment.open("nothing", socketPath: daemon.socketPath) } == .noSuchSegment)
        #expect(failure { try Segment.open(".hidden", socketPath: daemon.socketPath) } == .invalidArgument)
        #expect(failure { try Segment.open("", socketPath: daemon.socketPath) } == .invalidArgument)
    }

    @Test func missingDaemonIsNamedWithItsSocket() throws {
        do {
            _ = try Session(socketPath: "/nowhere/control.sock")
            Issue.record("nobody listens there")
        } catch {
            #expect(error.code == .notConnected)
            #expect(error.description.contains("/nowhere/control.sock"))
        }
        let long = "/tmp/" + String(repeating: "x", count: 120)
        #expect(failure { try Session(socketPath: long) } == .invalidArgument)
    }

    @Test func removedSegmentIsSaidToBeRemoved() throws {
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = 1 << 20
        try session.create("short-lived", options: options)
        let segment = try session.open("short-lived")
        try segment.set("key", to: [1])
        #expect(try session.info(of: "short-lived").sessionCount == 1)
        #expect(failure { try session.create("short-lived", options: options) } == .exists)
        try session.remove("short-lived")
        // The header is marked by the daemon's loop before it answers.
        #expect(failure { try segment.get("key") } == .removed)
        #expect(failure { try segment.set("key", to: [2]) } == .removed)
        #expect(failure { try session.info(of: "short-lived") } == .noSuchSegment)
    }

    @Test func oneSessionOpensManySegments() throws {
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = 64 << 10
        for number in 0..<40 { try session.create("s\(number)", options: options) }
        for number in 0..<40 { try session.open("s\(number)").set("n", to: [UInt8(number)]) }
        for number in 0..<40 { #expect(try session.open("s\(number)", access: .readOnly).get("n") == [UInt8(number)]) }
        #expect(try session.segments().count == 41)
    }

    @Test func threadsShareOneHandle() async throws {
        let segment = try open()
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

    struct Wrong: Error {}

    @Test func twoHandlesOfOneProcessSeeEachOther() throws {
        let first = try open()
        let second = try open()
        for round in 0..<1000 {
            try (round % 2 == 0 ? first : second).set("key", to: [UInt8(truncatingIfNeeded: round)])
            #expect(try (round % 2 == 0 ? second : first).get("key") == [UInt8(truncatingIfNeeded: round)])
        }
    }

    @Test func lockThatIsNotGivenBackTimesOutAndNamesItsOwner() throws {
        let holder = try open()
        let other = try open()
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
        process.arguments = ["fork", "--socket", daemon.socketPath]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "child wrote over its own attachment; parent goes on\n")
        #expect(process.terminationStatus == 0)
        #expect(try open().get("fork") == [3])
    }

    /// The code of what `body` throws; nil: it doesn't.
    func failure<Result>(_ body: () throws -> Result) -> SharedMemError.Code? {
        do {
            _ = try body()
        } catch let error as SharedMemError {
            return error.code
        } catch {
            Issue.record("another error: \(error)")
        }
        return nil
    }
}
