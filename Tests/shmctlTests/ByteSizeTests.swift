import Testing

@testable import shmctl

@Suite struct ByteSizeTests {
    @Test(arguments: [
        ("1", 1), ("512", 512), ("512B", 512), ("64KiB", 64 << 10), ("64K", 64 << 10), ("512MiB", 512 << 20),
        ("1GiB", 1 << 30), ("1g", 1 << 30), ("2TiB", 2 << 40), ("18446744073709551615", UInt64.max),
        ("007", 7),
    ])
    func sizeIsRead(text: String, byteCount: UInt64) throws {
        #expect(try ByteSize.parse(text) == byteCount)
    }

    @Test(arguments: [
        "", "0", "0KiB", "-1", "+1", " 1", "1 ", "1.5GiB", "1KB", "1 KiB", "KiB", "1XiB", "1e3", "0x10", "١",
        "18446744073709551616", "18446744073709551615K", "16777216TiB",
    ])
    func nonsenseIsRefused(text: String) {
        #expect(throws: (any Error).self) { try ByteSize.parse(text) }
    }

    @Test(
        arguments: [
            (0, "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (16 << 20, "16 MiB"),
            ((1 << 30) - 1, "1023.9 MiB"), (1 << 30, "1 GiB"), (5 << 40, "5 TiB"),
        ] as [(UInt64, String)])
    func sizeIsWrittenForPeople(byteCount: UInt64, text: String) {
        #expect(ByteSize.text(byteCount) == text)
    }
}
