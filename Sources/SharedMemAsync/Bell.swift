internal import Synchronization

/// Wakes tasks from a thread that has no task.
final class Bell: Sendable {
    /// What the threads share.
    private struct State {
        var hasRung = false
        var sleepers: [Sleeper] = []
        var lastNumber: UInt64 = 0
        /// Sleepers that were cancelled before they slept.
        var cancelled: [UInt64] = []
    }

    /// A task that waits.
    private struct Sleeper {
        let number: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    private let state = Mutex(State())

    /// Wakes all who wait, or the next one.
    func ring() {
        let sleepers = state.withLock { state in
            state.hasRung = true
            let sleepers = state.sleepers
            state.sleepers = []
            return sleepers
        }
        for sleeper in sleepers { sleeper.continuation.resume() }
    }

    /// Forgets that it has rung.
    func silence() { state.withLock { $0.hasRung = false } }

    /// Waits until it rings, unless it has rung since it was silenced; or until the task is cancelled.
    func waitUntilItRings() async {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if let index = state.cancelled.firstIndex(of: number) {
                        state.cancelled.remove(at: index)
                        return true
                    }
                    if state.hasRung { return true }
                    state.sleepers.append(Sleeper(number: number, continuation: continuation))
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                guard let index = state.sleepers.firstIndex(where: { $0.number == number }) else {
                    state.cancelled.append(number)
                    return Sleeper?.none
                }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume()
        }
        state.withLock { state in state.cancelled.removeAll { $0 == number } }
    }
}
