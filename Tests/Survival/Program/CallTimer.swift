internal import LinuxIPC
internal import SharedMem

/// Counts calls and notes the longest.
struct CallTimer {
    /// Calls that returned.
    private(set) var callCount: UInt64 = 0
    /// What the longest took, in nanoseconds.
    private(set) var longestCall: UInt64 = 0

    /// Runs a call of the client library; its failure becomes a finding that names `what` was called.
    mutating func time<Result>(
        _ what: @autoclosure () -> String, _ body: () throws(SharedMemError) -> Result
    ) throws(Finding) -> Result {
        let start = SystemClock.monotonic()
        do throws(SharedMemError) {
            let result = try body()
            callCount += 1
            longestCall = max(longestCall, SystemClock.monotonic() - start)
            return result
        } catch {
            let milliseconds = (SystemClock.monotonic() - start) / 1_000_000
            throw Finding("\(what()) failed after \(milliseconds) ms: \(error)")
        }
    }
}
