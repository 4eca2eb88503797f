internal import Foundation
internal import Synchronization

/// Signals that come to one thread every 10 ms, as those of an interval timer do; their handler does nothing.
package final class RepeatedSignals: Sendable {
    /// How many come at most: for 30 s at least.
    private static var limit: Int { 3000 }

    private let count = Atomic(0)
    private let isCalledOff = Atomic(false)
    private let end = DispatchSemaphore(value: 0)
    /// What the thread didn't let through before: a pool's threads let nothing through.
    private let mask: sigset_t

    /// Begins to send them to the calling thread, which has to call `stop()` before it ends.
    package init() throws {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in }
        // No SA_RESTART; a call with a time-out isn't restarted anyway.
        action.sa_flags = 0
        guard unsafe sigaction(SIGUSR2, &action, nil) == 0 else { throw POSIXError(.EINVAL) }
        var (own, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&own)
        unsafe sigaddset(&own, SIGUSR2)
        guard unsafe pthread_sigmask(SIG_UNBLOCK, &own, &before) == 0 else { throw POSIXError(.EINVAL) }
        mask = before
        let receiver = pthread_self()
        Thread.detachNewThread { [self] in
            while count.load(ordering: .relaxed) < Self.limit, !isCalledOff.load(ordering: .relaxed) {
                guard pthread_kill(receiver, SIGUSR2) == 0 else { break }
                count.add(1, ordering: .relaxed)
                usleep(10_000)
            }
            end.signal()
        }
    }

    /// Ends them, and says whether they would have gone on: what was done meanwhile has ended before them.
    package func stop() -> Bool {
        isCalledOff.store(true, ordering: .relaxed)
        end.wait()
        var before = mask
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        return count.load(ordering: .relaxed) < Self.limit
    }

    /// How many have come.
    package var sentCount: Int { count.load(ordering: .relaxed) }
}
