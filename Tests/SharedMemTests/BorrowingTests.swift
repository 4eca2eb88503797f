import Foundation
import SharedMem
import SharedMemStore
import TestSupport
import Testing

/// Values that are lent where they are, under a pin.
@Suite struct BorrowingTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    private static func value(_ byte: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: byte), count: 100_000)
    }

    private static func copy(_ bytes: RawSpan) -> [UInt8] { unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) } }

    @Test func lentValueStaysUntilTheSegmentIsFullAndTheRefusalNamesItsReader() throws {
        let (segment, reader) = (try served.open(), try served.open())
        try reader.set("key", to: Self.value(1))
        let session = try #require(try reader.metadata("key")).session
        let refusal = try reader.withValue(of: "key") { (bytes, value) throws(SharedMemError) in
            #expect(value.byteCount == 100_000 && value.type == .bytes)
            let refusal = error { for round in 0..<20 { try segment.set("key", to: Self.value(2 + round)) } }
            #expect(Self.copy(bytes) == Self.value(1))
            return refusal
        }
        #expect(refusal??.code == .full)
        #expect(refusal??.description.contains("session \(session) holds on to ") == true)
        for round in 0..<20 { try segment.set("key", to: Self.value(round)) }
        _ = try segment.audit()
    }

    @Test func pinEndsAlsoWhenTheReaderThrows() throws {
        let (segment, reader) = (try served.open(), try served.open())
        try segment.set("key", to: Self.value(1))
        let thrown = failure {
            try reader.withValue(of: "key") { (_, _) throws(SharedMemError) in
                try reader.set([UInt8](repeating: 0, count: 513), to: [])
            }
        }
        #expect(thrown == .keyTooLong)
        #expect(try reader.withValue(of: "missing") { (_, _) throws(SharedMemError) in true } == nil)
        for round in 0..<20 { try segment.set("key", to: Self.value(round)) }
    }

    @Test func expiredValueIsNotLent() throws {
        let segment = try served.open()
        try segment.set("key", to: [1], .expiring(in: .zero))
        #expect(try segment.withValue(of: "key") { (_, _) throws(SharedMemError) in true } == nil)
        #expect(try served.open(.readOnly).withValue(of: "key") { (_, _) throws(SharedMemError) in true } == nil)
    }

    /// A read-only handle has no pin to give, and a session after the last slot neither: the bytes are a copy.
    @Test func readerWithoutAPinGetsACopy() throws {
        let segment = try served.open()
        try segment.set("key", to: Self.value(1))
        try segment.withStore { (store) throws(StoreError) in while store.claimPinSlot() != nil {} }
        for reader in [try served.open(), try served.open(.readOnly)] {
            let bytes = try reader.withValue(of: "key") { (bytes, _) throws(SharedMemError) in
                for round in 2..<20 { try segment.set("key", to: Self.value(round)) }
                return Self.copy(bytes)
            }
            #expect(bytes == Self.value(reader.access == .readOnly ? 19 : 1))
        }
    }

    /// At every moment somebody reads, and no read is long: the memory comes back all the same.
    @Test func readsThatOverlapForEverKeepNoRoom() throws {
        let (segment, reader) = (try served.open(), try served.open())
        try overlapReads(by: reader, besideSetsBy: segment, Self.value)
    }
}
