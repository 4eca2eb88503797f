/// How long operations go on without a daemon.
struct GraceTime {
    /// ns; UInt64.max: for ever.
    let nanoseconds: UInt64

    /// What is right for most programs: longer than a restart of the daemon, shorter than people wait.
    static var standard: GraceTime { GraceTime(nanoseconds: 5_000_000_000) }

    /// Takes what was loaded.
    init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Takes what a program says; nil: for ever.
    init(_ duration: Duration?) {
        // A duration can be longer than its components can say, which trap then.
        guard let duration, duration < .seconds(UInt64.max / 1_000_000_000) else {
            nanoseconds = UInt64.max
            return
        }
        guard duration > .zero else {
            nanoseconds = 0
            return
        }
        let (seconds, attoseconds) = duration.components
        nanoseconds = UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
    }

    /// The same as a program says it.
    var duration: Duration? { nanoseconds == UInt64.max ? nil : .nanoseconds(Int64(clamping: nanoseconds)) }
}
