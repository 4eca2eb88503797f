internal import CBenchmarkFloors

/// One line of a table that is measured in slices.
struct Row {
    /// What is done.
    enum Operation {
        case get
        case set
    }

    /// What it is called in the table.
    let name: String
    /// The row that its ratio refers to; nil: none.
    let floor: String?
    /// The ratio that it should have at most; nil: whatever it is.
    let goal: Double?

    private let variant: any Variant
    private let operation: Operation
    private let draws: Draws

    /// A row of `draws` through `variant`.
    init(
        _ name: String, _ operation: Operation, _ draws: Draws, _ variant: any Variant, floor: String? = nil,
        goal: Double? = nil
    ) {
        self.name = name
        self.floor = floor
        self.goal = goal
        self.variant = variant
        self.operation = operation
        self.draws = draws
    }

    /// `count` as a whole number of the variant's batches.
    func wholeBatches(_ count: Int) -> Int { max(1, (count + variant.batch - 1) / variant.batch) * variant.batch }

    /// Fetches what the rows before have pushed out of the caches: every key twice, or as many as 1 ms allows.
    func warmUp() throws {
        let start = benchmark_nanoseconds()
        var done = 0
        while done < draws.keyCount * 2, benchmark_nanoseconds() - start < 1_000_000 {
            let count = wholeBatches(64)
            _ = try run(count)
            done += count
        }
    }

    /// Does the work `count` times and returns the nanoseconds; throws if a value was wrong.
    func run(_ count: Int) throws -> UInt64 {
        let start = benchmark_nanoseconds()
        let own = operation == .get ? variant.get(draws, count, BENCHMARK_CHECK_QUICK) : variant.set(draws, count)
        let end = benchmark_nanoseconds()
        guard own >= 0 else { throw wrong }
        return own > 0 ? UInt64(own) : max(1, end - start)
    }

    /// Makes new values to be set.
    func prepare() {
        if operation == .set { draws.nextGeneration() }
    }

    /// Reads some values whole, and those that were set just now as they were set; throws if one is wrong.
    func verify(after count: Int) throws {
        let sample = min(count, 64) / variant.batch * variant.batch
        guard sample > 0 else { return }
        let check = operation == .get ? BENCHMARK_CHECK_WHOLE : BENCHMARK_CHECK_NEWEST
        if operation == .set { draws.rewind(sample) }
        guard variant.get(draws, sample, check) >= 0 else { throw wrong }
    }

    /// Holds the variant's memory against its invariants.
    func audit() throws { try variant.audit() }

    private var wrong: Failure { Failure("'\(name)' read nothing or wrong bytes: its times mean nothing") }
}
