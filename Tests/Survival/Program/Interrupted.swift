internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import TestSupport

/// Interrupts a writer in the middle of a set that somebody waits for: the wake-up must not be lost with it.
struct Interrupted: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Interrupt writers in the middle of a set; who waits for the key must end on its last version.",
        discussion: """
            stopped: a writer is stopped somewhere in a set of a key that nobody watches; somebody begins to wait for \
            the key; the writer ends its set, and sets no more. killed: somebody waits, and the only writer is killed.
            """)

    /// What happens to the writer.
    enum Way: String, CaseIterable, ExpressibleByArgument {
        case stopped, killed
    }

    @Argument(help: "What happens to the writer: stopped or killed.")
    var way: Way

    @OptionGroup var options: WatchingOptions

    @Option(help: "Writers to interrupt.")
    var count = 100

    @Option(help: "A command that prints the daemon's pid.")
    var serverPid: String?

    @Flag(help: "Stop the daemon while a writer is killed, a fault that must then be found; needs --server-pid.")
    var stopServer = false

    func validate() throws {
        guard !stopServer || serverPid != nil else { throw ValidationError("--stop-server needs --server-pid") }
    }

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(
            socketPath: options.socket, segmentName: "interrupted-\(getpid())", byteCount: 4 << 20,
            wordCount: WatchedRow.wordCount)
        let judge = try Judge(scene, scene.row(0))
        var random = SplitMix(seed: options.seed)
        var longest: UInt64 = 0
        do {
            for turn in 0..<count {
                longest = max(
                    longest, try interrupt(scene, judge, turn % WatchedKeys.count, after: random.next() % 2000))
            }
        } catch {
            try judge.abandon()
            throw error
        }
        try judge.abandon()
        try scene.audit()
        try scene.remove()
        return "\(count) writers \(way.rawValue) while somebody waited:"
            + " the last version was known after \(longest / 1000) µs at most"
    }

    /// Interrupts one writer, so many microseconds after its first set; returns how long the watcher was behind.
    private func interrupt(_ scene: Scene, _ judge: Judge, _ key: Int, after delay: UInt64) throws -> UInt64 {
        let writer = try SettingProcess(scene, scene.row(1), key: key, fault: options.fault)
        var watcher = way == .killed ? try sleeper(scene, key) : nil
        defer {
            Glibc.kill(writer.process.identifier, SIGKILL)
            if let watcher { Glibc.kill(watcher.identifier, SIGKILL) }
        }
        try writer.begin()
        usleep(UInt32(delay))
        let server = stopServer ? try Shell.number(printedBy: serverPid ?? "") : 0
        defer { if server > 0 { Glibc.kill(server, SIGCONT) } }
        switch way {
        case .stopped:
            try writer.stop()
            writer.end()
            watcher = try sleeper(scene, key)
            try writer.process.send(SIGCONT)
            try writer.expectEnd()
        case .killed:
            if server > 0 { Glibc.kill(server, SIGSTOP) }
            try writer.process.kill()
            _ = try writer.process.waitUntilEnd()
        }
        let time = try expectLastVersion(scene, judge, key)
        if way == .stopped {
            try writer.process.kill()
            _ = try writer.process.waitUntilEnd()
        }
        if let watcher {
            try watcher.kill()
            _ = try watcher.waitUntilEnd()
        }
        return time
    }

    /// Starts a process that waits for a key, and returns when it sleeps.
    private func sleeper(_ scene: Scene, _ key: Int) throws -> ForkedProcess {
        let row = WatchedRow(scene.row(2))
        let process = try WatcherProcess.start(
            scene, "who waits", .waiting(key), .readOnly, row, isPatient: options.patient)
        let sleeps = try scene.board.wait(seconds: 60) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding(complaint) }
            return row.done == 1 && Kernel.sleepsInFutex(process.identifier)
        }
        guard sleeps else { throw Finding("who waits doesn't sleep within 60 s") }
        return process
    }

    private func expectLastVersion(_ scene: Scene, _ judge: Judge, _ key: Int) throws(Finding) -> UInt64 {
        let start = SystemClock.monotonic()
        let row = WatchedRow(scene.row(2))
        var version: UInt64 = 0
        let isKnown = try scene.board.wait(seconds: options.limit) { () throws(Finding) in
            if let complaint = row.complaint { throw Finding(complaint) }
            // A set that the daemon finishes for a dead writer may come later.
            version = try judge.versions()[key]
            return row[key] == version
        }
        guard isKnown else {
            throw Finding("'\(WatchedKeys.name(key))' has version \(version), who waits for it was told \(row[key])")
        }
        return SystemClock.monotonic() - start
    }
}
