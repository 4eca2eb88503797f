import SharedMem
import TestSupport
import Testing

/// Changes that are made at the worst moments for somebody who begins to wait for them.
@Suite struct LostWakeTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment(size: "16MiB") }

    @Test func noWakeUpIsLost() throws {
        let run = try TortureRun("wakes", socketPath: served.socketPath)
        #expect(run == TortureRun(text: "no wake-up was lost\n", status: 0))
    }

    /// Shows that the test above would notice.
    @Test(arguments: ["wake", "flag"]) func lostWakeUpIsNoticed(_ fault: String) throws {
        let run = try TortureRun(
            "wakes", socketPath: served.socketPath, ["--rounds", "100", "--fault", fault])
        #expect(run == TortureRun(text: "a wake-up was lost\n", status: 1))
    }
}
