internal import ArgumentParser
internal import Foundation
internal import Synchronization
internal import TestSupport

/// Spoils segments at random and shows that no operation crashes, hangs or touches other memory.
struct Hostile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Spoil segments in every way and use them all the same.",
        discussion: """
            Both files lie between closed pages, in processes that may crash: a crash, a trap and an endless loop are \
            each reported with the seed and the number of the case, which --case runs again. Every 20th case is one in \
            which a thread goes on spoiling; it doesn't repeat exactly.
            """)

    @OptionGroup var plan: HostilePlan

    @Option(help: "How many cases to run.")
    var count = 20_000

    @Option(help: "Run only this case, and say what is done.")
    var `case`: Int?

    @Option(help: "Worker processes.")
    var processes = 2

    /// Findings after which a worker is not started again.
    private static let findingLimit = 5

    func validate() throws {
        guard (1...1_000_000_000).contains(count) else {
            throw ValidationError("--count is 1 to 1000000000, not \(count)")
        }
        guard (1...64).contains(processes) else { throw ValidationError("--processes is 1 to 64, not \(processes)") }
        if let number = `case`, !(0..<1_000_000_000).contains(number) {
            throw ValidationError("--case is 0 to 999999999, not \(number)")
        }
    }

    func run() throws {
        let cases = `case`.map { $0..<$0 + 1 } ?? 0..<count
        let shareCount = min(processes, cases.count)
        let all = Mutex<[String]>([])
        let begin = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: shareCount) { share in
            let from = cases.lowerBound + cases.count * share / shareCount
            let to = cases.lowerBound + cases.count * (share + 1) / shareCount
            let found = findings(in: from..<to)
            all.withLock { $0 += found }
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let found = all.withLock { $0 }
        for finding in found { print("wrong: \(finding)") }
        print(
            "\(cases.count) cases, seed \(plan.seed): \(found.isEmpty ? "nothing" : "\(found.count)") found, "
                + "\((seconds * 10).rounded() / 10) s")
        if !found.isEmpty { throw ExitCode(1) }
    }

    /// Runs cases in a worker, which is started again behind each case that ends it.
    private func findings(in cases: Range<Int>) -> [String] {
        var found: [String] = []
        var next = cases.lowerBound
        while next < cases.upperBound, found.count < Self.findingLimit {
            do {
                let outcome = try run(next..<cases.upperBound)
                guard let finding = outcome.finding else { break }
                found.append("seed \(plan.seed), case \(outcome.lastCase): \(finding)")
                next = outcome.lastCase + 1
            } catch {
                return found + ["a worker could not be started: \(error)"]
            }
        }
        return found
    }

    /// Runs cases in a process of their own; how it ended, and in which case.
    private func run(_ cases: Range<Int>) throws -> (finding: String?, lastCase: Int) {
        let progress = FileManager.default.temporaryDirectory.appending(path: "hostile-\(UUID().uuidString)")
        try Data(count: 8).write(to: progress)
        defer { unsafe unlink(progress.path) }
        let process = Process()
        process.executableURL = try DaemonProcess.program("sharedmem-torture")
        process.arguments =
            ["hostile-worker", "--from", "\(cases.lowerBound)", "--to", "\(cases.upperBound)"]
            + ["--progress", progress.path] + (`case` == nil ? [] : ["--verbose"]) + plan.arguments
        // A crash is expected here: no backtrace, which takes seconds, but of a single case.
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = `case` == nil ? "enable=no" : "enable=yes,color=no,interactive=no"
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        var last = cases.lowerBound
        // The worker's own alarm ends a case that hangs; this is for a worker that can't be interrupted.
        var wasKilled = false
        while ended.wait(timeout: .now() + .seconds(2 * Int(plan.limit) + 60)) == .timedOut {
            let now = try lastCase(progress)
            if now == last {
                kill(process.processIdentifier, SIGKILL)
                wasKilled = true
            }
            last = now
        }
        last = try lastCase(progress)
        switch (process.terminationReason, process.terminationStatus) {
        case (.exit, 0): return (nil, last)
        case (.exit, let status): return ("the worker ended with \(status)", last)
        case (_, SIGKILL) where wasKilled: return ("still running, its alarm did nothing", last)
        case (_, SIGALRM): return ("still running after \(plan.limit) s", last)
        case (_, let signal): return ("signal \(signal) (\(unsafe String(cString: strsignal(signal))))", last)
        }
    }

    private func lastCase(_ progress: URL) throws -> Int {
        let bytes = try Data(contentsOf: progress)
        return bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
