internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

extension WatchingFault: ExpressibleByArgument {}

/// Watchers that must end on the last version, whatever is done to them, to the writers and to the daemon.
struct Watching: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch from 16 processes what 4 change, while all of them are stopped and killed.",
        discussion: """
            Twelve watch a key, four a prefix; half of them read only. First the writers make changes in bursts of 100, \
            undisturbed: after each burst all watchers must know the last versions. Then the writers make the rest, while \
            watchers and writers are stopped and go on, are killed and replaced, and a command is run. At the end each \
            watcher must know the last version of its key, or exactly the keys with its prefix and their versions.
            """)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Bursts of 100 changes that nothing disturbs.")
    var bursts = 100

    @Option(help: "Changes that are made while everybody is disturbed.")
    var changes: UInt64 = 300_000

    @Option(help: "What is done to the daemon meanwhile.")
    var action: String?

    @Option(help: "How often it is done.")
    var times = 3

    @Flag(help: "Watchers sleep until somebody wakes them, however long: a lost wake-up is seen. Needs a debug build.")
    var patient = false

    @Option(help: "How long watchers may take until they know the last versions, in seconds.")
    var limit = 60

    @Option(help: "Seeds the random choices.")
    var seed: UInt64 = 1

    @Option(help: "A fault to put into the writers, which must then be found: wake. Needs a debug build.")
    var fault: WatchingFault?

    func validate() throws {
        guard !patient && fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--patient and --fault need a debug build: a release build has no faults to seed")
        }
    }

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(socketPath: socket, segmentName: "watching-\(getpid())", byteCount: 4 << 20)
        let crew = try WatchingCrew(scene, seed: seed, fault: fault, isPatient: patient)
        var account = Account()
        do {
            try burst(crew, &account)
            try disturb(crew, &account)
        } catch {
            try crew.disband()
            throw error
        }
        let newsCount = crew.newsCount
        try crew.disband()
        try scene.audit()
        try scene.remove()
        return account.text(changes: crew.changeCount, news: newsCount)
    }

    /// What was done and seen.
    private struct Account {
        var stops = 0
        var kills = 0
        var actions = 0
        var longest: UInt64 = 0
        var last: UInt64 = 0

        func text(changes: UInt64, news: UInt64) -> String {
            "\(WatchingCrew.watcherCount) watchers of \(changes) changes, told \(news) times;"
                + " \(stops) stopped, \(kills) killed, the daemon \(actions) times: all know the last versions,"
                + " \(longest / 1000) µs at most after a burst, \(last / 1_000_000) ms after all"
        }
    }

    /// Bursts that nothing disturbs: after each one, nobody may be behind.
    private func burst(_ crew: WatchingCrew, _ account: inout Account) throws {
        for _ in 0..<bursts {
            crew.begin(100)
            try crew.expectDone(seconds: 60)
            account.longest = max(account.longest, try crew.expectLastVersions(seconds: limit))
        }
    }

    /// The rest, under whatever can happen to a process.
    private func disturb(_ crew: WatchingCrew, _ account: inout Account) throws {
        guard changes > 0 else { return }
        var random = SplitMix(seed: ~seed)
        var stopped: [(role: WatchingCrew.Role, until: UInt64)] = []
        let first = crew.changeCount
        var progress = (count: first, time: SystemClock.monotonic())
        crew.begin(changes)
        while try !crew.isDone() {
            usleep(UInt32(random.next() % 3000))
            let now = SystemClock.monotonic()
            for entry in stopped where entry.until <= now { try crew.send(SIGCONT, to: entry.role) }
            stopped.removeAll { $0.until <= now }
            let role: WatchingCrew.Role =
                random.next() % 3 == 0
                ? .writer(Int(random.next() % UInt64(WatchingCrew.writerCount)))
                : .watcher(Int(random.next() % UInt64(WatchingCrew.watcherCount)))
            if random.next() % 4 == 0 {
                stopped.removeAll { $0.role == role }
                try crew.replace(role)
                account.kills += 1
            } else {
                try crew.send(SIGSTOP, to: role)
                stopped.removeAll { $0.role == role }
                stopped.append((role, now + random.next() % 50_000_000))
                account.stops += 1
            }
            let count = crew.changeCount
            if let action, account.actions < times,
                count - first >= changes / UInt64(times + 1) * UInt64(account.actions + 1)
            {
                try Shell.run(action)
                account.actions += 1
            }
            if count > progress.count { progress = (count, now) }
            guard SystemClock.monotonic() - progress.time < 60_000_000_000 else {
                throw Finding("the writers don't get on within 60 s")
            }
        }
        for entry in stopped { try crew.send(SIGCONT, to: entry.role) }
        account.last = try crew.expectLastVersions(seconds: limit)
    }
}
