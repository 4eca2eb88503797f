internal import CBenchmarkFloors

/// A store by handles, one get at a time.
final class OneAtATime: Variant {
    private let store: HandleStore
    private let delay: UInt64

    /// With `nanoseconds` of delay behind each get.
    init(_ store: HandleStore, delayedBy nanoseconds: Double = 0) {
        self.store = store
        delay = nanoseconds == 0 ? 0 : UInt64((nanoseconds / Self.step).rounded())
    }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        store.getOneAtATime(draws, count, check, delay: delay)
    }

    func audit() throws { try store.audit() }

    /// The nanoseconds of one step: the shortest of some measurements.
    private static var step: Double {
        let steps: UInt64 = 100_000
        let times = (0..<20).map { _ in
            let start = benchmark_nanoseconds()
            benchmark_delay(steps)
            return benchmark_nanoseconds() - start
        }
        return Double(times.min() ?? 0) / Double(steps)
    }
}
