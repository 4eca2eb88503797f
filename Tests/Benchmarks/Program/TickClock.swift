internal import CBenchmarkFloors

/// What ticks are in nanoseconds, without what taking them costs.
struct TickClock {
    private let ticksPerNanosecond: Double
    private let overhead: UInt64

    init() {
        let begin = benchmark_nanoseconds()
        let first = benchmark_ticks()
        // A core isn't given away for so short a time, mostly, and it makes no difference if it is.
        while benchmark_nanoseconds() - begin < 20_000_000 {}
        let ticks = benchmark_ticks() - first
        ticksPerNanosecond = Double(ticks) / Double(benchmark_nanoseconds() - begin)
        let pairs = (0..<1001).map { _ in
            let start = benchmark_ticks()
            return benchmark_ticks() - start
        }
        overhead = pairs.sorted()[500]
    }

    /// The nanoseconds of a difference of ticks.
    func nanoseconds(_ ticks: UInt64) -> Double {
        ticks > overhead ? Double(ticks - overhead) / ticksPerNanosecond : 0
    }
}
