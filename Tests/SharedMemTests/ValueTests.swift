import SharedMem
import Testing

/// Values with their types, and what is known of a value.
@Suite struct ValueTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func valueOfEachTypeComesBackAsItIs() throws {
        let segment = try served.open()
        for number in [0, 1, -1, Int64.min, Int64.max] {
            try segment.set("number", to: number)
            #expect(try segment.get("number", as: Int64.self) == number)
            #expect(try segment.get("number", as: Int.self) == Int(number))
            try segment.set("number", to: Int(number))
            #expect(try segment.get("number", as: Int64.self) == number)
        }
        for number in [0, -0.0, 0.1, -1e300, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude] as [Double] {
            try segment.set("number", to: number)
            #expect(try segment.get("number", as: Double.self)?.bitPattern == number.bitPattern)
        }
        try segment.set("number", to: Double.nan)
        #expect(try segment.get("number", as: Double.self)?.isNaN == true)
        for text in ["", "This is a test string", "Grüße, 世界 👋", "a\0b"] {
            try segment.set("text", to: text)
            #expect(try segment.string("text") == text)
            #expect(try segment.get("text") == Array(text.utf8))
        }
        try segment.set("bytes", to: [0, 255])
        #expect(try segment.get("bytes", as: [UInt8].self) == [0, 255])
    }

    @Test func missingKeyHasNoValueOfAnyType() throws {
        let segment = try served.open(.readOnly)
        #expect(try segment.get("key") == nil)
        #expect(try segment.get("key", as: Int.self) == nil)
        #expect(try segment.get("key", as: Double.self) == nil)
        #expect(try segment.string("key") == nil)
        #expect(try segment.metadata("key") == nil)
    }

    @Test func valueOfAnotherTypeIsRefusedWithItsTag() throws {
        let segment = try served.open()
        try segment.set("text", to: "12345678")
        try segment.set("bytes", to: [1, 2, 3, 4, 5, 6, 7, 8])
        try segment.set("integer", to: 1)
        try segment.set("double", to: 1.0)
        for key in ["text", "bytes", "double"] {
            #expect(failure { try segment.get(key, as: Int.self) } == .wrongType)
            #expect(failure { try segment.get(key, as: Int64.self) } == .wrongType)
        }
        for key in ["text", "bytes", "integer"] {
            #expect(failure { try segment.get(key, as: Double.self) } == .wrongType)
        }
        for key in ["integer", "double"] { #expect(failure { try segment.string(key) } == .wrongType) }
        #expect(error { try segment.get("double", as: Int.self) }?.description.contains("tag 3") == true)
        // Bytes are text if they are read as text; what isn't UTF-8 becomes U+FFFD.
        #expect(try segment.string("bytes") == "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}")
        try segment.set("bytes", to: [0x61, 0xff])
        #expect(try segment.string("bytes") == "a\u{fffd}")
        // Bytes of any type can be had.
        #expect(try segment.get("integer") == [1, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func integerOfAnotherLengthIsRefused() throws {
        let segment = try served.open()
        var options = SetOptions()
        for type in [ValueType.int64, .double] {
            options.type = type
            for count in [0, 7, 9] {
                try segment.set("key", to: [UInt8](repeating: 1, count: count), options)
                #expect(failure { try segment.get("key", as: Int64.self) } == .wrongType)
                #expect(failure { try segment.get("key", as: Double.self) } == .wrongType)
            }
        }
    }

    @Test func metadataTellsLengthVersionTimeSessionAndType() throws {
        let segment = try served.open()
        let other = try served.open()
        let first = try segment.set("key", to: "four")
        let before = try #require(try segment.metadata("key"))
        #expect(before.byteCount == 4)
        #expect(before.version == first)
        #expect(before.type == .utf8)
        #expect(before.expiresAtNanoseconds == 0)
        // 2020 to 2100.
        #expect((1_577_836_800_000_000_000..<4_102_444_800_000_000_000).contains(before.writtenAtNanoseconds))
        #expect(try other.metadata("key") == before)

        let second = try other.set("key", to: 1.5)
        let after = try #require(try segment.metadata("key"))
        #expect(second > first)
        #expect(after.version == second)
        #expect(after.byteCount == 8)
        #expect(after.type == .double)
        #expect(after.session != before.session)
        #expect(after.writtenAtNanoseconds >= before.writtenAtNanoseconds)
    }

    @Test func ownKeyAndValueTypesAreKeysAndValues() throws {
        let segment = try served.open()
        try segment.set(Point(x: 3, y: 4), to: Point(x: 5, y: 6))
        #expect(try segment.get([3, 4], as: Point.self) == Point(x: 5, y: 6))
        #expect(try segment.metadata([3, 4])?.type == Point.valueType)
        try segment.set([3, 4], to: [5, 6])
        #expect(failure { try segment.get(Point(x: 3, y: 4), as: Point.self) } == .wrongType)
    }

    /// A program's own type of two bytes.
    private struct Point: Equatable, SegmentKey, SegmentValue {
        let x: UInt8
        let y: UInt8

        static var valueType: ValueType { ValueType(rawValue: 200) }

        init(x: UInt8, y: UInt8) { (self.x, self.y) = (x, y) }

        init?(valueBytes: RawSpan, type: ValueType) {
            guard type == Self.valueType, valueBytes.byteCount == 2 else { return nil }
            unsafe self.init(
                x: valueBytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self),
                y: valueBytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self))
        }

        func withKeyBytes<Result, Failure: Error>(
            _ body: (RawSpan) throws(Failure) -> Result
        ) throws(Failure) -> Result { try [x, y].withKeyBytes(body) }

        func withValueBytes<Result, Failure: Error>(
            _ body: (RawSpan) throws(Failure) -> Result
        ) throws(Failure) -> Result { try [x, y].withValueBytes(body) }
    }
}
