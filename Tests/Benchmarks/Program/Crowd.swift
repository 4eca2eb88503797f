internal import CBenchmarkFloors

/// So many sleeping watchers, threads of some processes on the other core.
@safe
final class Crowd {
    /// What they watch.
    let watched: WatchCosts.Watched
    private let memory: WakesMemory
    private let processes: [WatchingProcess]
    private let identifiers: [Int32]
    private let count: Int
    /// How often a watcher has arrived when all of them sleep again.
    private var arrivals: Int

    /// Threads of one process.
    private static var threadCount: Int { 50 }

    /// Starts them.
    init(_ place: Place, segment: String, _ watched: WatchCosts.Watched, _ key: [UInt8], count: Int) throws {
        let memory = try WakesMemory()
        let core = max(benchmark_core(0), benchmark_core(1))
        self.memory = memory
        self.watched = watched
        self.count = count
        arrivals = count
        processes = try stride(from: 0, to: count, by: Self.threadCount).map { first in
            let arguments = [
                "--daemon", place.socketPath, "--segment", segment,
                "--threads", "\(min(Self.threadCount, count - first))", "--key", String(decoding: key, as: UTF8.self),
            ]
            return try WatchingProcess(
                "crowd-member", core: core, memory, arguments + (watched == .segment ? ["--everything"] : []))
        }
        identifiers = processes.map(\.processIdentifier)
    }

    /// Waits until all of them have seen the last set, if they see it at all, and sleep.
    func expectSleep() throws {
        guard unsafe benchmark_wakes_expect_crowd(memory.wakes, UInt64(arrivals), identifiers, identifiers.count) != 0
        else {
            let found = unsafe benchmark_wakes_arrivals(memory.wakes)
            let ends = processes.map(\.end).joined()
            throw Failure("\(found) of \(arrivals) arrivals of \(count) watchers within a minute\(ends)")
        }
    }

    /// Somebody has set the key once.
    func noteSet() { arrivals += watched.seesChange ? count : 0 }
}
