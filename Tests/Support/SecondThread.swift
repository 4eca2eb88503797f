internal import Foundation
internal import Synchronization

/// A thread of its own beside that of a test; a pool's threads may all be taken by other tests.
package final class SecondThread: Sendable {
    private let failure = Mutex<(any Error)?>(nil)
    private let end = DispatchSemaphore(value: 0)

    /// Starts a thread that runs `body`.
    package init(_ body: @escaping @Sendable () throws -> Void) {
        Thread.detachNewThread { [self] in
            do {
                try body()
            } catch {
                failure.withLock { $0 = error }
            }
            end.signal()
        }
    }

    /// Waits until `body` has ended, and throws what it threw.
    package func join() throws {
        guard end.wait(timeout: .now() + 300) == .success else { throw StillRunning() }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// A thread that didn't end within 300 s.
    package struct StillRunning: Error {}
}
