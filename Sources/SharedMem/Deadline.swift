internal import LinuxIPC

/// A moment until which somebody waits.
enum Deadline {
    /// The moment in so long, ns of the monotonic clock; nil: never.
    static func moment(in timeout: Duration?) -> UInt64 {
        let sum = SystemClock.monotonic().addingReportingOverflow(GraceTime(timeout).nanoseconds)
        return sum.overflow ? UInt64.max : sum.partialValue
    }
}
