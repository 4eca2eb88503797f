/// Tells how long to wait before a server is started again: longer each time, as long as it doesn't last.
struct BackOff: Equatable, Sendable {
    /// The first pause.
    static let shortest = Duration.milliseconds(100)
    /// The longest pause, and how long a server has to serve before its next pause is the first one again.
    static let longest = Duration.seconds(5)

    /// The longest pause behind a server that has served: clients go on for 5 s without one, unless they say otherwise.
    static let longestAfterServing = Duration.milliseconds(500)

    /// The pause behind the next end.
    private var next = Self.shortest

    /// Returns the pause behind a server that ended after it had served for `duration`; nil: it never did.
    mutating func pause(afterServing duration: Duration?) -> Duration {
        if let duration { next = duration >= Self.longest ? Self.shortest : min(next, Self.longestAfterServing) }
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
