internal import CBenchmarkFloors
internal import Foundation
internal import SharedMem

/// One wake-up: from the moment before a set in one process to the moment when a watcher, which slept in another one,
/// has the value.
///
/// All ways are taken in turn, with the same value and the same watching process, which was seen to sleep each time.
struct Wakes {
    private let place: Place

    init(_ place: Place) { self.place = place }

    /// The segment and the key that are watched.
    private static let segmentName = "wakes"
    static let key = Draws.key(ofNumber: 0)

    /// One way to hand a value over.
    private enum Way: String, CaseIterable {
        case futex = "bare futex"
        case store = "sharedmemd: set, wait and get"
        case fifo = "FIFO"

        /// What the watcher is told to wait for.
        var kind: benchmark_wake {
            switch self {
            case .futex: BENCHMARK_WAKE_FUTEX
            case .store: BENCHMARK_WAKE_STORE
            case .fifo: BENCHMARK_WAKE_FIFO
            }
        }
    }

    /// Measures all rows.
    func measure() throws -> Section {
        try place.withSegment(Self.segmentName, byteCount: 16 << 20) { segment in
            try segment.fill(1)
            let rows =
                try measure("same core", core: benchmark_core(0), isSame: true, segment)
                + measure("across cores", core: benchmark_core(1), isSame: false, segment)
            _ = try segment.audit()
            return Section(title: "64 B, one wake-up, from the set to the watcher's get", keyCount: 1, rows: rows)
        }
    }

    /// Measures the rows of one watcher.
    private func measure(_ where: String, core: CInt, isSame: Bool, _ segment: Segment) throws -> [Measurement] {
        let names = Way.allCases.map { "\($0.rawValue), \(`where`)" }
        guard core >= 0 else { return names.map { Measurement($0, note: "needs two cores") } }
        let setter = try WakeSetter(place, segment, core: core, isSame: isSame)
        for way in Way.allCases { for _ in 0..<10 { _ = try setter.wakeUp(way.kind) } }
        var times = [[Double]](repeating: [], count: Way.allCases.count)
        for _ in 0..<place.extent.rounds * 2 {
            // In another order each time, so that no way always comes behind the same one.
            for index in Way.allCases.indices.shuffled() {
                times[index].append(try setter.wakeUp(Way.allCases[index].kind))
            }
        }
        return Way.allCases.indices.map { index in
            Measurement(
                names[index], times[index], floor: index == 0 ? nil : (names[0], times[0]),
                goal: Way.allCases[index] == .store ? 1.15 : nil)
        }
    }
}

/// Who sets, and the watching process beside it.
@safe
private final class WakeSetter {
    private let segment: Segment
    private let watcher: WatchingProcess
    private let memory: WakesMemory
    private let pipe: FileHandle
    private let system: FileHandle
    private let isSame: Bool
    private let draws: Draws

    init(_ place: Place, _ segment: Segment, core: CInt, isSame: Bool) throws {
        let path = place.folder.appending(path: "fifo-\(core)").path
        guard unsafe mkfifo(path, 0o600) == 0 else { throw Failure("\(path) can't be made: errno \(errno)") }
        self.segment = segment
        self.isSame = isSame
        draws = try Draws(keyCount: 1, isWritable: true)
        memory = try WakesMemory()
        watcher = try WatchingProcess(
            "watcher", core: core, memory,
            ["--daemon", place.socketPath, "--segment", segment.name, "--fifo", path])
        guard unsafe benchmark_wakes_expect_crowd(memory.wakes, 1, nil, 0) != 0 else {
            throw Failure("a watcher doesn't begin within a minute\(watcher.end)")
        }
        // Both ends, so that opening it doesn't wait for the watcher.
        guard let pipe = FileHandle(forUpdatingAtPath: path) else { throw Failure("\(path) can't be opened") }
        self.pipe = pipe
        guard let system = FileHandle(forReadingAtPath: "/proc/\(watcher.processIdentifier)/syscall") else {
            throw Failure(
                "/proc/\(watcher.processIdentifier)/syscall can't be read: nobody sees whether a watcher sleeps")
        }
        self.system = system
    }

    /// The nanoseconds from before the set until the watcher has the value.
    func wakeUp(_ kind: benchmark_wake) throws -> Double {
        let wakes = unsafe memory.wakes
        draws.nextGeneration()
        let number = draws.generation
        let value = unsafe draws.value(of: 0)
        unsafe benchmark_wakes_tell(wakes, kind, number)
        guard unsafe benchmark_wakes_expect_sleep(wakes, system.fileDescriptor, number) != 0 else {
            throw Failure("a watcher doesn't go to sleep\(watcher.end)")
        }
        let start = benchmark_nanoseconds()
        switch kind {
        case BENCHMARK_WAKE_FUTEX: unsafe floor_futex_set(wakes, number, value.baseAddress)
        case BENCHMARK_WAKE_FIFO:
            guard unsafe write(pipe.fileDescriptor, value.baseAddress, value.count) == value.count else {
                throw Failure("the FIFO takes nothing: errno \(errno)")
            }
        default: try unsafe segment.set(Wakes.key.span.bytes, to: value.bytes)
        }
        let seen = unsafe benchmark_wakes_expect_seen(wakes, number, isSame ? 0 : 1)
        guard seen >= 0 else { throw Failure("a watcher had no value within a minute, or a wrong one\(watcher.end)") }
        return Double(UInt64(seen) - start)
    }
}
