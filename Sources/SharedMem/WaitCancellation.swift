internal import LinuxIPC

/// Calls off waits: those that were given this object end at once, and those to come don't begin.
///
/// May be shared by any number of waits and threads. It can't be undone.
public final class WaitCancellation: Sendable {
    /// Bit 0 says that it was called off; the others count the recalls.
    let word = PrivateWord()

    /// Calls nothing off yet.
    public init() {}

    /// Ends the waits; may be called from any thread, and in a signal handler.
    ///
    /// Costs one system call, and waits for nothing.
    public func cancel() { word.raise(1) }

    /// Whether it was called off.
    public var isCancelled: Bool { word.value & 1 != 0 }

    /// Ends the waits under way that know a mark, and none that begins later.
    ///
    /// Costs one system call, and waits for nothing.
    package func recall() { word.advance(by: 2) }

    /// What changes when it's called off or recalled.
    package var mark: UInt32 { word.value }

    /// Whether a wait is to end that knows `mark`; nil: that no recall concerns.
    func hasEnded(since mark: UInt32?) -> Bool { mark == nil ? isCancelled : mark != word.value }
}
