import SharedMem
import TestSupport
import Testing

/// Changes that are made at the very moment at which somebody begins to wait for them.
@Suite struct LostWakeTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func noWakeUpIsLost() throws {
        let run = try TortureRun("wakes", socketPath: served.socketPath)
        #expect(run == TortureRun(text: "0 wake-ups were lost\n", status: 0))
    }

    /// Shows that the test above would notice.
    @Test(arguments: ["wake", "flag"]) func lostWakeUpIsNoticed(_ fault: String) throws {
        let run = try TortureRun(
            "wakes", socketPath: served.socketPath, ["--rounds", "20000", "--fault", fault])
        #expect(run == TortureRun(text: "1 wake-ups were lost\n", status: 1))
    }
}
