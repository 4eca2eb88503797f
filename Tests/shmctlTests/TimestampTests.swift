import Testing

@testable import shmctl

@Suite struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_000_000_000, "2001-09-09T01:46:40Z"), (2_147_483_648, "2038-01-19T03:14:08Z"),
        ] as [(UInt64, String)])
    func secondsBecomeADate(seconds: UInt64, text: String) {
        #expect(Timestamp.text(nanoseconds: seconds * 1_000_000_000 + 999_999_999) == text)
    }
}
