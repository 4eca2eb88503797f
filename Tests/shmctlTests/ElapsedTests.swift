import Testing

@testable import shmctl

@Suite struct ElapsedTests {
    @Test func timeIsSaidInTheLargestUnitThatItFills() {
        let facts: [(UInt64, String)] = [
            (0, "0 ms"), (999_999_999, "999 ms"), (1_000_000_000, "1.0 s"), (59_999_999_999, "59.9 s"),
            (60_000_000_000, "1 min"), (3_599_999_999_999, "59 min"), (3_600_000_000_000, "1 h"),
            (UInt64.max, "5124095 h"),
        ]
        for (nanoseconds, text) in facts { #expect(Elapsed.text(nanoseconds: nanoseconds) == text) }
    }
}
