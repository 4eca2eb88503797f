/// A line on the terminal that says how far a long command is, and goes away when it ends.
struct Progress {
    /// How many files are done.
    private(set) var fileCount = 0
    /// How many bytes they have.
    private(set) var byteCount: UInt64 = 0
    /// Whether there is a terminal to write to.
    private let isVisible: Bool
    /// When the command began.
    private let start = ContinuousClock.now
    /// When the line was written last.
    private var lastShown: ContinuousClock.Instant?

    /// How much time passes between two lines.
    private static var interval: Duration { .milliseconds(100) }

    /// Begins; the line is written only where somebody sees it.
    init(isVisible: Bool = StandardError.isTerminal) {
        self.isVisible = isVisible
    }

    /// The time since the command began.
    var elapsed: Duration { start.duration(to: .now) }

    /// Counts a file that is done.
    mutating func count(byteCount: Int) {
        fileCount += 1
        self.byteCount += UInt64(byteCount)
        show()
    }

    /// Writes the line anew if the last one is old enough.
    private mutating func show() {
        guard isVisible else { return }
        let now = ContinuousClock.now
        if let lastShown, lastShown.duration(to: now) < Self.interval { return }
        lastShown = now
        // CR, the line, and "erase to the end of the line".
        StandardError.write("\r" + Self.text(fileCount, byteCount, elapsed) + "\u{1B}[K")
    }

    /// Takes the line away.
    mutating func erase() {
        guard lastShown != nil else { return }
        lastShown = nil
        StandardError.write("\r\u{1B}[K")
    }

    /// Says how many files and MB were done, and how many MB a second.
    static func text(_ fileCount: Int, _ byteCount: UInt64, _ elapsed: Duration) -> String {
        let milliseconds = milliseconds(elapsed)
        // Bytes a millisecond are thousands of bytes a second.
        let rate = byteCount / max(1, milliseconds) * 1_000
        return "\(fileCount) \(fileCount == 1 ? "file" : "files"), \(megabytes(byteCount)) MB, \(megabytes(rate)) MB/s"
    }

    /// Writes a number of bytes in MB (10^6) with one decimal.
    static func megabytes(_ byteCount: UInt64) -> String {
        let tenths = byteCount / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Counts the whole milliseconds of a duration that isn't negative.
    static func milliseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(max(0, seconds)) * 1_000 + UInt64(max(0, attoseconds)) / 1_000_000_000_000_000
    }
}
