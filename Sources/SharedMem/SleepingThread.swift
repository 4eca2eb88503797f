internal import LinuxIPC
internal import SharedMemStore

/// The one thread of a process that sleeps for all watches whose program wants to be told.
///
/// It begins with the first of them and ends when there is none left; a forked child has none until it needs one. It
/// tells, and looks at nothing but whether there is something to look at.
final class SleepingThread: Sendable {
    /// What the process's threads share.
    private struct State {
        var watchers: [Watcher] = []
        /// Moves when the watchers change.
        var round = 0
        var isRunning = false
        /// In which process.
        var forkCount = ForkCounter.current

        /// Forgets what belongs to the parent, in a forked child.
        mutating func beginInChild() { if forkCount != ForkCounter.current { self = State() } }
    }

    /// The process's.
    static let shared = SleepingThread()

    /// Its name, for `ps`.
    private static var name: String { "sharedmem-watch" }

    private let state = ForkSafeMutex(State())
    /// Moves when the thread is to look what has become of its watchers.
    private let word = PrivateWord()

    private init() {}

    /// Sleeps for a watcher, too.
    func add(_ watcher: Watcher) throws(SharedMemError) {
        try state.withLock { (state) throws(SharedMemError) in
            state.beginInChild()
            if !state.watchers.contains(where: { $0 === watcher }) {
                state.watchers.append(watcher)
                state.round += 1
            }
            guard !state.isRunning else { return }
            do throws(Errno) {
                try SystemThread.start(Self.name) { [self] in run() }
            } catch {
                state.watchers.removeAll { $0 === watcher }
                throw SharedMemError(error, "starting the thread that sleeps for watches")
            }
            state.isRunning = true
        }
        call()
    }

    /// Sleeps for a watcher no longer.
    func remove(_ watcher: Watcher) {
        let isKnown = state.withLock { state in
            state.beginInChild()
            guard state.watchers.contains(where: { $0 === watcher }) else { return false }
            state.watchers.removeAll { $0 === watcher }
            state.round += 1
            return true
        }
        if isKnown { call() }
    }

    /// Has it look where to sleep.
    func call() { word.advance() }

    /// Whether it runs; for tests.
    var isRunning: Bool { state.withLock { $0.isRunning && $0.forkCount == ForkCounter.current } }
}

// MARK: - The thread

extension SleepingThread {
    private func run() {
        var watchers: [Watcher] = []
        var round = -1
        var bed = Bed()
        while true {
            let call = word.value
            // Nothing is let go under the lock.
            var old: [Watcher] = []
            let isNeeded = state.withLock { state in
                if state.round != round {
                    swap(&old, &watchers)
                    watchers = state.watchers
                    round = state.round
                }
                state.isRunning = !watchers.isEmpty
                return !watchers.isEmpty
            }
            old = []
            guard isNeeded else { return }
            bed.begin()
            let now = SystemClock.monotonic()
            for watcher in watchers {
                guard let rest = watcher.check(at: now) else { continue }
                bed.add(rest, watcher.segment.session)
            }
            bed.sleep(unless: word, hasLeft: call)
        }
    }
}
