import SharedMem
import Testing

/// Values of bytes in a segment, against a daemon of this build.
@Suite struct SegmentTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func valueStaysWhenItsWriterIsGone() throws {
        do { try served.open().set("greeting", to: "This is a test string") }
        #expect(try served.open(.readOnly).string("greeting") == "This is a test string")
    }

    @Test func deletedKeyIsGone() throws {
        let segment = try served.open()
        try segment.set("key", to: [1])
        #expect(try segment.delete("key"))
        #expect(try segment.delete("key") == false)
        #expect(try segment.get("key") == nil)
    }

    @Test func valueOfEverySizeComesBackWhole() throws {
        let segment = try served.open()
        for count in [0, 1, 255, 256, 257, 4096, 100_000] {
            let value = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            try segment.set([7], to: value)
            #expect(try segment.get([7]) == value)
        }
    }

    @Test func readOnlyHandleRefusesToWrite() throws {
        let segment = try served.open(.readOnly)
        #expect(failure { try segment.set("key", to: [1]) } == .readOnly)
        #expect(failure { try segment.delete("key") } == .readOnly)
    }

    @Test func longKeyAndLargeValueAreRefusedAndNothingIsLost() throws {
        let segment = try served.open()
        try segment.set("key", to: [1])
        #expect(failure { try segment.set([UInt8](repeating: 1, count: 513), to: []) } == .keyTooLong)
        #expect(failure { try segment.set("key", to: [UInt8](repeating: 1, count: 1 << 20)) } == .valueTooLarge)
        #expect(try segment.get("key") == [1])
    }

    @Test func fullSegmentSaysWhatWasNeededAndWhatThereIs() throws {
        let segment = try served.open()
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
}
