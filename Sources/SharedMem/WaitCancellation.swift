internal import LinuxIPC

/// Calls off waits: those that were given this object end at once, and those to come don't begin.
///
/// May be shared by any number of waits and threads. It can't be undone.
public final class WaitCancellation: Sendable {
    /// 0 until it's called off.
    let word = PrivateWord()

    /// Calls nothing off yet.
    public init() {}

    /// Ends the waits; may be called from any thread, and in a signal handler.
    ///
    /// Costs one system call, and waits for nothing.
    public func cancel() { word.set(1) }

    /// Whether it was called off.
    public var isCancelled: Bool { word.value != 0 }
}
