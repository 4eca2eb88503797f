internal import LinuxIPC
internal import SharedMemStore

/// A generation that isn't used any more, until its memory is given back.
struct RetiredGeneration {
    /// Its files.
    let memory: SegmentMemory
    /// What the daemon holds pinned there for sessions; nil: it never did.
    let pins: SegmentPins?
    /// Until when sessions may go on with what they have pinned there: ns of the monotonic clock.
    let deadline: UInt64

    /// How long that is.
    private static let patience: UInt64 = 10_000_000_000

    init(_ memory: SegmentMemory, pins: SegmentPins?) {
        self.memory = memory
        self.pins = pins
        deadline = SystemClock.monotonic() + Self.patience
    }

    /// Whether nobody is waited for any more.
    var isOver: Bool {
        get throws(SegmentMemory.Failure) {
            if SystemClock.monotonic() >= deadline { return true }
            return try !memory.pinHolds().contains { $0.isPinned }
        }
    }
}
