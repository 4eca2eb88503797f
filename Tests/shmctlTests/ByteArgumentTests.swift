import Testing

@testable import shmctl

@Suite struct ByteArgumentTests {
    @Test func textStaysText() {
        for text in ["", "greeting", "-", "é", "e\u{301}", "漢😀"] {
            let encoded = ByteArgument.encoded(Array(text.utf8))
            #expect(encoded.utf8.elementsEqual(text.utf8))
            #expect(ByteArgument(decoding: encoded).bytes == Array(text.utf8))
        }
    }

    @Test(
        arguments: [
            [0xFF], [0xFF, 0xFE, 0x41], [0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0xAF],
            [0xF4, 0x90, 0x80, 0x80],
            // The scalars that stand for bytes are themselves kept apart: U+10FFFF, U+10FF80.
            [0xF4, 0x8F, 0xBF, 0xBF], [0xF4, 0x8F, 0xBE, 0x80], [0xF4, 0x8F, 0xBC, 0xAD, 0x35], [0xF4, 0x8F, 0xBF],
        ] as [[UInt8]])
    func bytesThatArentUTF8Survive(bytes: [UInt8]) {
        #expect(ByteArgument(decoding: ByteArgument.encoded(bytes)).bytes == bytes)
    }

    @Test func everyPairOfBytesSurvives() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes = [first, second, 0x80]
                #expect(ByteArgument(decoding: ByteArgument.encoded(bytes)).bytes == bytes)
            }
        }
    }

    @Test func keyIsAtMost512Bytes() throws {
        let longest = ByteArgument(bytes: [UInt8](repeating: 0x61, count: 512))
        #expect(try longest.key() == longest.bytes)
        #expect(throws: Failure(.usage, "the key has 513 bytes, and a key has at most 512")) {
            try ByteArgument(bytes: [UInt8](repeating: 0x61, count: 513)).key()
        }
    }

    @Test(arguments: [
        (["add", "s", "k", "-5"], 3...3), (["add", "s", "-5", "-6"], 2...3),
        (["set", "s", "k", "-.5e3", "--json"], 3...3),
        (["--socket", "x", "add", "s", "k", "-5"], 5...5),
    ])
    func negativeNumberIsDisguisedFromTheParserAlone(arguments: [String], indices: ClosedRange<Int>) {
        let disguised = ByteArgument.disguisingNumbers(arguments)
        #expect(disguised.map { ByteArgument(decoding: $0).bytes } == arguments.map { Array($0.utf8) })
        #expect(arguments.indices.filter { disguised[$0] != arguments[$0] } == Array(indices))
        #expect(!disguised[indices.lowerBound].hasPrefix("-"))
    }

    @Test(arguments: [
        ["add", "-5", "k"], ["add", "s", "--", "-5"], ["add", "s", "k", "-x"], ["add", "s", "k", "-", "5"],
        ["add", "s", "k", "--5"], ["delete", "s", "k", "-5"], ["keys", "s", "-0"], [],
    ])
    func everyOtherArgumentStaysAsItIs(arguments: [String]) {
        #expect(ByteArgument.disguisingNumbers(arguments) == arguments)
    }
}
