internal import CBenchmarkFloors
internal import Foundation

/// What a user could pick instead, and the store from other languages, as far as it is there: libraries that
/// Tests/Benchmarks/run has built.
struct Rivals {
    /// One of them.
    struct Candidate {
        /// What it is called in the table.
        let name: String
        /// Its library without ".so", and its folder.
        let library: String
        /// The library's symbol.
        var symbol = "benchmark_rival"
        /// What it can't be built or run without.
        let needs: String
        /// Whether it's the store itself, which is missing in no run.
        var isStore = false
        /// Whether it's of the kind that is measured with many keys, too.
        var isForManyKeys = false
    }

    /// The name of the C library's rows, up to the way in which keys are found.
    static var library: String { "libsharedmem from C," }

    /// All that are measured if they are there.
    static var all: [Candidate] { store + others }

    /// The store, from other languages.
    private static var store: [Candidate] {
        let ways = [("name", "benchmark_rival_by_name"), ("handle", "benchmark_rival_by_handle")]
        let library = ways.map { way, symbol in
            // Its handles lie in the order of the keys, and not in that of the draws: of many, each has to be fetched.
            Candidate(
                name: "\(Self.library) by \(way)", library: "library", symbol: symbol,
                needs: "gcc and .build-release/library, which Tests/run --stage release makes", isStore: true,
                isForManyKeys: way == "name")
        }
        let package = ways.map { way, symbol in
            Candidate(
                name: "the Python package, by \(way)", library: "package", symbol: symbol,
                needs: "gcc, python3 and .build-release/library", isStore: true)
        }
        return library + package
    }

    private static var others: [Candidate] {
        [
            Candidate(
                name: "Boost.Interprocess, unordered_map and mutex", library: "boost", needs: "libboost-dev"),
            Candidate(name: "LMDB on tmpfs", library: "lmdb", needs: "liblmdb-dev", isForManyKeys: true),
            Candidate(name: "Redis on a unix socket", library: "redis", needs: "redis-tools"),
            Candidate(name: "memcached on a unix socket", library: "memcached", needs: "memcached"),
            Candidate(name: "Python's shared_memory, without a lock", library: "python", needs: "python3"),
        ]
    }

    private let folder: String?
    private let mustBeThere: Bool

    /// The rivals in `folder`; nil: there are none.
    init(folder: String?, mustBeThere: Bool) {
        self.folder = folder
        self.mustBeThere = mustBeThere
    }

    /// Opens one; a failure says why it can't be measured, and ends the run if all must be there.
    func open(
        _ candidate: Candidate, socket: String, segment: String, keyCount: Int
    ) throws -> Result<any Variant, Failure> {
        do {
            guard let folder else { throw Failure("not measured: start this program through Tests/Benchmarks/run") }
            let site = Rival.Site(folder: "\(folder)/\(candidate.library)", socket: socket, segment: segment)
            return .success(try Rival(functions(of: candidate, in: folder), at: site, keyCount: keyCount))
        } catch let failure as Failure {
            if mustBeThere || candidate.isStore && folder != nil { throw Failure("\(candidate.name): \(failure)") }
            return .failure(failure)
        }
    }

    private func functions(of candidate: Candidate, in folder: String) throws -> benchmark_rival {
        guard let library = unsafe dlopen("\(folder)/\(candidate.library).so", RTLD_NOW | RTLD_LOCAL),
            let symbol = unsafe dlsym(library, candidate.symbol)
        else { throw Failure("not here: it needs \(candidate.needs)") }
        return unsafe symbol.assumingMemoryBound(to: benchmark_rival.self).pointee
    }
}
