import Testing

@testable import SharedMemKeeper

@Suite struct BackOffTests {
    @Test func pauseDoublesFrom100MillisecondsTo5Seconds() {
        var backOff = BackOff()
        let pauses = (0..<9).map { _ in backOff.pause(afterServing: nil) }
        #expect(pauses == [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000].map { .milliseconds($0) })
    }

    @Test func pauseStaysShortBehindServersThatHaveServed() {
        var backOff = BackOff()
        let pauses = (0..<6).map { _ in backOff.pause(afterServing: .milliseconds(1)) }
        #expect(pauses == [100, 200, 400, 500, 500, 500].map { .milliseconds($0) })
    }

    @Test(
        arguments: [
            (Duration?.none, Duration.milliseconds(400)),
            (.milliseconds(4999), .milliseconds(400)),
            (.seconds(5), .milliseconds(100)),
            (.seconds(86_400), .milliseconds(100)),
        ])
    func pauseIsShortAgainBehindAServerThatHasServed(served: Duration?, expected: Duration) {
        var backOff = BackOff()
        _ = backOff.pause(afterServing: nil)
        _ = backOff.pause(afterServing: nil)
        #expect(backOff.pause(afterServing: served) == expected)
    }
}
