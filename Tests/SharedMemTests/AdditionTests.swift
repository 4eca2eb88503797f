import SharedMem
import Testing

/// Addition to integers in a segment.
@Suite struct AdditionTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func missingKeyCountsAsZero() throws {
        let segment = try served.open()
        #expect(try segment.add(5, to: "new") == 5)
        #expect(try segment.add(-7, to: "new") == -2)
        #expect(try segment.add(0, to: "zero") == 0)
        #expect(try segment.get("new", as: Int64.self) == -2)
        #expect(try segment.get("zero", as: Int64.self) == 0)
    }

    @Test(
        arguments: [
            ("41", 1, 42), ("-41", 1, -40), ("+41", 1, 42), ("0", -1, -1), ("007", 0, 7), ("-0", 0, 0),
            ("9223372036854775807", 0, Int64.max), ("-9223372036854775808", 0, Int64.min),
            ("00000000000000000001", 1, 2),
        ] as [(String, Int64, Int64)])
    func wholeNumberAsTextBecomesAnInteger(text: String, delta: Int64, sum: Int64) throws {
        let segment = try served.open()
        try segment.set("text", to: text)
        try segment.set("bytes", to: Array(text.utf8))
        for key in ["text", "bytes"] {
            #expect(try segment.add(delta, to: key) == sum)
            #expect(try segment.get(key, as: Int64.self) == sum)
            #expect(try segment.metadata(key)?.type == .int64)
        }
    }

    @Test(arguments: [
        "", " 1", "1 ", "-", "+", "--1", "1-", "0x10", "1.0", "1e3", "forty-one", "９", "9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "000000000000000000001",
    ])
    func otherTextIsRefusedAndStays(text: String) throws {
        let segment = try served.open()
        try segment.set("key", to: text)
        #expect(failure { try segment.add(1, to: "key") } == .wrongType)
        #expect(try segment.string("key") == text)
    }

    @Test func valueOfAnotherTypeIsRefusedAndStays() throws {
        let segment = try served.open()
        try segment.set("double", to: 1.0)
        #expect(failure { try segment.add(1, to: "double") } == .wrongType)
        #expect(try segment.get("double", as: Double.self) == 1.0)
        // An integer of another length, and 8 bytes that nobody called an integer.
        var options = SetOptions()
        options.type = .int64
        try segment.set("short", to: [1, 2], options)
        #expect(failure { try segment.add(1, to: "short") } == .wrongType)
        try segment.set("bytes", to: [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(failure { try segment.add(1, to: "bytes") } == .wrongType)
    }

    @Test func sumThatHasNoRoomIsRefusedAndTheValueStays() throws {
        let segment = try served.open()
        for (number, delta) in [(Int64.max, 1), (Int64.min, -1), (-2, Int64.min), (1, Int64.max)] as [(Int64, Int64)] {
            let version = try segment.set("key", to: number)
            #expect(failure { try segment.add(delta, to: "key") } == .outOfRange)
            #expect(try segment.get("key", as: Int64.self) == number)
            #expect(try segment.metadata("key")?.version == version)
        }
        try segment.set("key", to: Int64.max)
        #expect(try segment.add(Int64.min, to: "key") == -1)
    }

    @Test func expiryStaysAndAnExpiredValueCountsAsZero() throws {
        let segment = try served.open()
        try segment.set("key", to: 1, .expiring(in: .seconds(3600)))
        let expiry = try segment.metadata("key")?.expiresAtNanoseconds
        try segment.add(1, to: "key")
        #expect(try segment.metadata("key")?.expiresAtNanoseconds == expiry)
        #expect(expiry != 0)
        try segment.set("key", to: 1000, .expiring(in: .zero))
        #expect(try segment.add(1, to: "key") == 1)
        #expect(try segment.metadata("key")?.expiresAtNanoseconds == 0)
    }

    @Test func readOnlyHandleRefusesToAdd() throws {
        let segment = try served.open(.readOnly)
        #expect(failure { try segment.add(1, to: "key") } == .readOnly)
    }

    @Test func additionsOfManyThreadsAndHandlesLoseNothing() async throws {
        let handles = try (0..<2).map { _ in try served.open() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                let segment = handles[thread % 2]
                group.addTask { for _ in 0..<500 { try segment.add(thread < 4 ? 3 : -1, to: "sum") } }
            }
            try await group.waitForAll()
        }
        #expect(try handles[0].get("sum", as: Int.self) == 4 * 500 * 3 - 4 * 500)
    }
}
