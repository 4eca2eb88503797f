internal import CBenchmarkFloors
internal import SharedMem

/// One piece of work alone, for a profiler that counts instructions.
///
/// Valgrind can't start the daemon and can't read this program's debugging information, so:
///
///     sharedmemd --socket /tmp/p/control.sock --state-directory /tmp/p/state &
///     strip -g -o /tmp/p/benchmarks .build-release/release/sharedmem-benchmarks
///     valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*profiledWork*' \
///         /tmp/p/benchmarks --profile get-by-handle --socket /tmp/p/control.sock
struct Profile {
    /// What is done.
    enum Work: String, CaseIterable {
        case getByHandle = "get-by-handle"
        case getByName = "get-by-name"
        case setByHandle = "set-by-handle"
        case setByName = "set-by-name"
        /// The floors, for comparison.
        case floorGet = "floor-get"
        case floorSet = "floor-set"
    }

    /// The function that a profiler looks for.
    static var symbol: String { "profiledWork" }

    private let work: Work
    private let socketPath: String

    init(_ work: Work, socketPath: String) {
        self.work = work
        self.socketPath = socketPath
    }

    /// Does it with 1,000 keys.
    func run() throws {
        let session = try Session(socketPath: socketPath)
        try session.create("profile", options: SegmentOptions())
        let segment = try session.open("profile")
        try segment.fill(1000)
        let draws = try Draws(keyCount: 1000, isWritable: true)
        let variant: any Variant =
            switch work {
            case .getByHandle, .setByHandle: try HandleStore(segment, draws)
            case .getByName, .setByName: NamedStore(segment)
            case .floorGet, .floorSet: try Rival(floor_table_rival, keyCount: 1000)
            }
        let isSet = [.setByHandle, .setByName, .floorSet].contains(work)
        let result = Self.profiledWork(variant, draws, isSet: isSet, 100_000)
        try session.remove("profile")
        guard result >= 0 else { throw Failure("the work failed") }
    }

    @inline(never)
    private static func profiledWork(_ variant: any Variant, _ draws: Draws, isSet: Bool, _ count: Int) -> Int64 {
        isSet ? variant.set(draws, count) : variant.get(draws, count, BENCHMARK_CHECK_QUICK)
    }
}
