import ArgumentParser
import Testing

@testable import shmctl

@Suite struct LifetimeTests {
    @Test(
        arguments: [
            ("1ms", 1), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("7d", 604_800_000),
            ("0030s", 30_000), ("36500d", 3_153_600_000_000),
        ] as [(String, Int64)])
    func unitsAreMilliseconds(text: String, milliseconds: Int64) throws {
        #expect(try Lifetime.parse(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", "5", "s", "5x", "5 s", "1.5s", "-5s", "+5s", "5S", "5min", "1h30m", "٥s", "0s", "36501d", "876001h",
        "99999999999999999999s", "9223372036854775807d",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(throws: ValidationError.self) { try Lifetime.parse(text) }
    }

    @Test(
        arguments: [
            (0, "0 ms"), (999, "999 ms"), (1_000, "1 s"), (29_999, "29 s"), (60_000, "1 m"), (299_999, "4 m 59 s"),
            (7_200_000, "2 h"), (604_799_999, "6 d 23 h"),
        ] as [(UInt64, String)])
    func whatIsLeftIsRoundedDown(milliseconds: UInt64, text: String) {
        #expect(Lifetime.text(milliseconds: milliseconds) == text)
    }
}
