import Foundation
import SharedMem
import SharedMemStore
import TestSupport
import Testing

/// Values that are lent through a read-only handle, under a pin that the daemon holds.
@Suite(.serialized) struct DaemonPinTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment(size: "36MiB") }

    private static func value(_ byte: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: byte), count: 4 << 20)
    }

    private static func copy(_ bytes: RawSpan) -> [UInt8] { unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }

    /// Where bytes are.
    private static func address(_ bytes: RawSpan) -> UInt {
        unsafe bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
    }

    /// Where the value of `key` is in a handle's mapping.
    private static func address(of key: String, in segment: Segment) throws -> UInt? {
        try segment.withStore { (store) throws(StoreError) in
            let bytes = [UInt8](key.utf8)
            return try unsafe bytes.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                let hash = unsafe KeyHash(key, seed: store.geometry.hashSeed)
                guard let found = try unsafe store.findPinned(key, hash) else { return nil }
                return unsafe store.withBytes(of: found) { UInt(bitPattern: $0.baseAddress) }
            }
        }
    }

    /// Replaces the value until the segment is full, some rounds at most; the refusal.
    private static func replace(in segment: Segment) -> SharedMemError? {
        error { for round in 0..<40 { try segment.set("key", to: value(2 + round)) } }
    }

    /// What a lent value was at the end, after a writer has replaced it as often as it could.
    private struct Lending {
        var isCopy: Bool
        var hasChanged: Bool
        var refusal: SharedMemError?
    }

    private func lend(by reader: Segment, beside segment: Segment) throws -> Lending {
        let stored = try #require(try Self.address(of: "key", in: reader))
        let before = try #require(try segment.get("key"))
        let lending = try reader.withValue(of: "key") { (bytes, _) throws(SharedMemError) in
            let refusal = Self.replace(in: segment)
            return Lending(
                isCopy: Self.address(bytes) != stored, hasChanged: Self.copy(bytes) != before, refusal: refusal)
        }
        return try #require(lending)
    }

    @Test func lentValueStaysWhereItIsAndTheRefusalNamesItsReader() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        try segment.set("key", to: Self.value(1))
        let lending = try lend(by: reader, beside: segment)
        #expect(!lending.isCopy && !lending.hasChanged)
        #expect(lending.refusal?.code == .full)
        // The daemon numbers sessions from 1; the reader is its second.
        #expect(lending.refusal?.description.contains("session 2 holds on to ") == true)
        // The pin has gone with the reader's use of it, and can be had again.
        #expect(Self.replace(in: segment) == nil)
        #expect(try lend(by: reader, beside: segment).refusal?.code == .full)
        _ = try segment.audit()
    }

    @Test func pinThatTheDaemonIsNotAskedForIsNoticed() throws {
        let segment = try served.open()
        try segment.set("key", to: Self.value(1))
        SeededFault.ofThisProcess = .daemonNotAsked
        defer { SeededFault.ofThisProcess = nil }
        let lending = try lend(by: try served.open(.readOnly), beside: segment)
        #expect(!lending.isCopy && lending.hasChanged && lending.refusal == nil)
    }

    @Test func smallValueIsCopied() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        try segment.set("key", to: [UInt8](repeating: 1, count: 1 << 20))
        let lending = try lend(by: reader, beside: segment)
        #expect(lending.isCopy && !lending.hasChanged && lending.refusal == nil)
    }

    @Test func killedReaderKeepsNothing() throws {
        let segment = try served.open()
        try segment.set("key", to: Self.value(1))
        let process = Process()
        process.executableURL = try DaemonProcess.program("sharedmem-torture")
        process.arguments = ["pin-holder", "--socket", served.socketPath, "--key", "key"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        // Ends too if the process does.
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        #expect(line == "lent 4194304 bytes\n")
        #expect(Self.replace(in: segment)?.description.contains("session 2 holds on to ") == true)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        // The daemon hears of the death in its own time.
        let deadline = ContinuousClock.now + .seconds(60)
        while Self.replace(in: segment) != nil { try #require(ContinuousClock.now < deadline, "60 s passed") }
    }

    @Test func closedSessionKeepsNothing() throws {
        let segment = try served.open()
        try segment.set("key", to: Self.value(1))
        for _ in 0..<20 {
            let reader = try served.open(.readOnly)
            #expect(try lend(by: reader, beside: segment).refusal?.code == .full)
        }
        #expect(Self.replace(in: segment) == nil)
    }

    @Test func readerGetsACopyWhenEveryPinIsTaken() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        try segment.set("key", to: Self.value(1))
        try segment.withStore { (store) throws(StoreError) in while store.claimPinSlot() != nil {} }
        for _ in 0..<2 {
            let lending = try lend(by: reader, beside: segment)
            #expect(lending.isCopy && !lending.hasChanged && lending.refusal == nil)
        }
    }

    /// Who may write can spoil the header: the daemon knows by itself where the pins are.
    @Test func spoiledHeaderDoesNotKeepTheDaemonFromPinning() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        try segment.set("key", to: Self.value(1))
        #expect(try lend(by: reader, beside: segment).isCopy == false)
        try segment.withStore { (store) throws(StoreError) in store.data.storeReleasing(0, 0) }
        #expect(try lend(by: reader, beside: segment).isCopy == false)
        #expect(try Session(socketPath: served.socketPath).segments().map(\.name) == ["default"])
    }

    @Test func readerGetsACopyWhenTheDaemonIsGone() throws {
        var daemon: ServedSegment? = try ServedSegment(size: "36MiB")
        let (segment, reader) = (try #require(try daemon?.open()), try #require(try daemon?.open(.readOnly)))
        try segment.set("key", to: Self.value(1))
        daemon = nil
        for _ in 0..<2 {
            let lending = try lend(by: reader, beside: segment)
            #expect(lending.isCopy && !lending.hasChanged && lending.refusal == nil)
        }
    }

    @Test func removedSegmentsPinsAreForgotten() throws {
        let session = try Session(socketPath: served.socketPath)
        let options = {
            var options = SegmentOptions(); options.byteCount = 36 << 20; return options
        }()
        try session.create("other", options: options)
        let (segment, reader) = (try session.open("other"), try session.open("other", access: .readOnly))
        try segment.set("key", to: Self.value(1))
        let isWhole = try reader.withValue(of: "key") { (bytes, _) throws(SharedMemError) in
            try session.remove("other")
            return Self.copy(bytes) == Self.value(1)
        }
        #expect(isWhole == true)
        #expect(failure { try reader.get("key") } == .removed)
        #expect(try session.segments().map(\.name) == ["default"])
    }

    /// At every moment somebody reads, and no read is long: the memory comes back all the same.
    @Test func readsThatOverlapForEverKeepNoRoom() throws {
        let (segment, reader) = (try served.open(), try served.open(.readOnly))
        try overlapReads(by: reader, besideSetsBy: segment, Self.value)
    }
}
