import SharedMemDaemon
import Testing

@Suite struct ByteSizeTests {
    @Test(
        arguments: [
            ("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65_536), ("64K", 65_536), ("16MiB", 16 << 20),
            ("16 MiB", 16 << 20), ("1GiB", 1 << 30), ("1G", 1 << 30), ("2TiB", 2 << 40), ("18446744073709551615", .max),
            ("16777215TiB", 16_777_215 << 40),
        ] as [(String, UInt64)])
    func readsWholeNumbersWithABinaryUnit(text: String, byteCount: UInt64) {
        #expect(ByteSize(text: text)?.byteCount == byteCount)
    }

    @Test(arguments: [
        "", " ", "MiB", "-1", "+1", "1.5GiB", "1 ", " 1", "1  MiB", "16mib", "16MB", "0x10", "1e3", "٣MiB", "80%",
        "18446744073709551616", "16777216TiB", "18014398509481984KiB", "1MiB\n",
    ])
    func refusesEverythingElse(text: String) {
        #expect(ByteSize(text: text) == nil)
    }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (16 << 20, "16.0 MiB"),
            (16_883_712, "16.1 MiB"), ((1 << 30) - 1, "1023.9 MiB"), (1 << 30, "1.0 GiB"), (.max, "16777215.9 TiB"),
        ] as [(UInt64, String)])
    func isWrittenWithOneDigitBehindThePoint(byteCount: UInt64, text: String) {
        #expect("\(ByteSize(byteCount))" == text)
    }
}
