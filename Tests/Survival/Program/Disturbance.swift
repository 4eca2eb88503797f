internal import Glibc
internal import LinuxIPC
internal import TestSupport

/// Whatever can happen to a process, done to a crew at random.
struct Disturbance {
    private let crew: WatchingCrew
    private var random: SplitMix
    /// Who is stopped, and until when: ns of the monotonic clock.
    private var stopped: [(role: WatchingCrew.Role, until: UInt64)] = []
    /// How often somebody was stopped.
    private(set) var stopCount = 0
    /// How often somebody was killed and replaced.
    private(set) var killCount = 0

    init(_ crew: WatchingCrew, seed: UInt64) {
        self.crew = crew
        random = SplitMix(seed: seed)
    }

    /// Lets those go on whose time has come, then stops or kills somebody: a writer one time in three.
    mutating func strike() throws {
        usleep(UInt32(random.next() % 3000))
        let now = SystemClock.monotonic()
        try resume { $0 <= now }
        let role: WatchingCrew.Role =
            random.next() % 3 == 0
            ? .writer(Int(random.next() % UInt64(WatchingCrew.writerCount)))
            : .watcher(Int(random.next() % UInt64(WatchingCrew.watcherCount)))
        stopped.removeAll { $0.role == role }
        if random.next() % 4 == 0 {
            try crew.replace(role)
            killCount += 1
        } else {
            try crew.send(SIGSTOP, to: role)
            stopped.append((role, now + random.next() % 50_000_000))
            stopCount += 1
        }
    }

    /// Lets everybody go on.
    mutating func end() throws { try resume { _ in true } }

    private mutating func resume(_ isDue: (UInt64) -> Bool) throws {
        for entry in stopped where isDue(entry.until) { try crew.send(SIGCONT, to: entry.role) }
        stopped.removeAll { isDue($0.until) }
    }
}
