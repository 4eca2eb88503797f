internal import CBenchmarkFloors

/// Wake-ups through a bare futex: from a store in shared memory to the thread that slept on it.
struct Wakes {
    private let place: Place

    init(_ place: Place) { self.place = place }

    /// Measures all rows.
    func measure() throws -> Section {
        let draws = try Draws(keyCount: 1)
        var rows: [Row] = []
        var missing: [Measurement] = []
        for (name, number): (String, CInt) in [("bare futex, same core", 0), ("bare futex, across cores", 1)] {
            let core = benchmark_core(number)
            if core >= 0 {
                rows.append(Row(name, .get, draws, try BareFutex(core: core)))
            } else {
                missing.append(Measurement(name, note: "needs two cores"))
            }
        }
        let measurements = try Schedule(rows, rounds: place.extent.rounds).measure()
        return Section(title: "one wake-up", keyCount: 0, rows: measurements + missing)
    }
}

/// Half of the way there and back between two threads.
@safe
private final class BareFutex: Variant {
    private let wake: OpaquePointer

    init(core: CInt) throws {
        guard let wake = unsafe floor_wake_make(core) else { throw Failure("a second thread can't be started") }
        unsafe self.wake = wake
    }

    deinit { unsafe floor_wake_free(wake) }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        let start = benchmark_nanoseconds()
        unsafe floor_wake_run(wake, count)
        return Int64(benchmark_nanoseconds() - start) / 2
    }
}
