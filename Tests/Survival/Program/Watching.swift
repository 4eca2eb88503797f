internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import TestSupport

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

    @OptionGroup var options: WatchingOptions

    @Option(help: "Bursts of 100 changes that nothing disturbs.")
    var bursts = 100

    @Option(help: "Changes that are made while everybody is disturbed.")
    var changes: UInt64 = 300_000

    @Option(help: "What is done to the daemon meanwhile.")
    var action: String?

    @Option(help: "How often it is done.")
    var times = 3

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(socketPath: options.socket, segmentName: "watching-\(getpid())", byteCount: 4 << 20)
        let crew = try WatchingCrew(scene, seed: options.seed, fault: options.fault, isPatient: options.patient)
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
            account.longest = max(account.longest, try crew.expectLastVersions(seconds: options.limit))
        }
    }

    /// The rest, under whatever can happen to a process; in as many parts as the command is run, and one more.
    private func disturb(_ crew: WatchingCrew, _ account: inout Account) throws {
        guard changes > 0 else { return }
        var disturbance = Disturbance(crew, seed: ~options.seed)
        let parts = action == nil ? 1 : UInt64(times) + 1
        for part in 1...parts {
            try disturb(crew, &disturbance, part: changes / parts, action: part < parts ? action : nil)
        }
        try disturbance.end()
        account.actions = Int(parts) - 1
        account.stops = disturbance.stopCount
        account.kills = disturbance.killCount
        account.last = try crew.expectLastVersions(seconds: options.limit)
    }

    /// Disturbs the crew while it makes so many changes, and runs the command when half of them are made.
    private func disturb(
        _ crew: WatchingCrew, _ disturbance: inout Disturbance, part: UInt64, action: String?
    ) throws {
        var action = action
        let first = crew.changeCount
        var progress = (count: first, time: SystemClock.monotonic())
        crew.begin(part)
        while try !crew.isDone() || action != nil {
            try disturbance.strike()
            let count = crew.changeCount
            if let command = action, count - first >= part / 2 {
                action = nil
                try Shell.run(command)
            }
            if count > progress.count { progress = (count, SystemClock.monotonic()) }
            guard SystemClock.monotonic() - progress.time < 60_000_000_000 else {
                throw Finding("the writers don't get on within 60 s")
            }
        }
    }
}
