import SharedMem
import Testing

@testable import shmctl

@Suite struct TypedValueTests {
    @Test func withoutATypeTextIsWhatIsUTF8() throws {
        #expect(try TypedValue(Array("é".utf8), as: nil).type == .utf8)
        #expect(try TypedValue([], as: nil).type == .utf8)
        #expect(try TypedValue([0xFF, 0x0A], as: nil).type == .bytes)
        #expect(try TypedValue([0xFF, 0x0A], as: nil).bytes == [0xFF, 0x0A])
        #expect(try TypedValue(Array("5\n".utf8), as: .bytes).bytes == Array("5\n".utf8))
    }

    @Test func textThatIsntUTF8IsRefused() {
        #expect(throws: Failure.self) { try TypedValue([0x61, 0xFF], as: .text) }
    }

    @Test(
        arguments: [
            ("0", 0), ("+7", 7), ("-7\n", -7), ("7\r\n", 7), ("-9223372036854775808", .min),
            ("9223372036854775807", .max),
        ] as [(String, Int64)])
    func integerIsEightBytes(text: String, number: Int64) throws {
        let value = try TypedValue(Array(text.utf8), as: .int64)
        #expect(value == TypedValue(number))
        #expect(value.type == .int64)
        let bits = UInt64(bitPattern: number)
        #expect(value.bytes == (0..<8).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) })
    }

    @Test(arguments: [
        "", "-", "abc", "1.0", "1e3", "0x10", " 1", "1 ", "1\n\n", "9223372036854775808", "-9223372036854775809",
    ])
    func whatIsNoIntegerIsRefused(text: String) {
        #expect(throws: Failure.self) { try TypedValue(Array(text.utf8), as: .int64) }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0.5", -0.5), ("12", 12), ("6.02e23", 6.02e23), ("1E-3\n", 0.001), ("inf", .infinity),
            ("-inf", -.infinity), ("1.7976931348623157e308", Double.greatestFiniteMagnitude),
        ] as [(String, Double)])
    func doubleIsEightBytes(text: String, number: Double) throws {
        let value = try TypedValue(Array(text.utf8), as: .double)
        #expect(value.type == .double)
        #expect(value.bytes == (0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> ($0 * 8)) })
    }

    @Test(arguments: ["", "abc", "1,5", "0x1p3", " 1", "1 ", "1e", "1e309", "-1e309", "infinity", "NAN"])
    func whatIsNoDoubleIsRefused(text: String) {
        #expect(throws: Failure.self) { try TypedValue(Array(text.utf8), as: .double) }
    }

    @Test func typesHaveNames() {
        #expect([.bytes, .utf8, .int64, .double].map(\ValueType.text) == ["bytes", "text", "int64", "double"])
        #expect(ValueType(rawValue: 200).text == "tag 200")
    }
}
