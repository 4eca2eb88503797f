internal import CBenchmarkFloors
internal import Foundation

/// What a user could pick instead, as far as it is there: libraries that Tests/Benchmarks/run has built.
struct Rivals {
    /// One of them.
    struct Candidate {
        /// What it is called in the table.
        let name: String
        /// Its library without ".so", and its folder.
        let library: String
        /// Debian's packages that it needs.
        let packages: String
        /// Whether it's of the kind that is measured with many keys, too.
        let isForManyKeys: Bool
    }

    /// All that are measured if they are there.
    static var all: [Candidate] {
        [
            Candidate(
                name: "Boost.Interprocess, unordered_map and mutex", library: "boost", packages: "libboost-dev",
                isForManyKeys: false),
            Candidate(name: "LMDB on tmpfs", library: "lmdb", packages: "liblmdb-dev", isForManyKeys: true),
            Candidate(name: "Redis on a unix socket", library: "redis", packages: "redis-tools", isForManyKeys: false),
            Candidate(
                name: "memcached on a unix socket", library: "memcached", packages: "memcached", isForManyKeys: false),
            Candidate(
                name: "Python's shared_memory, without a lock", library: "python", packages: "python3",
                isForManyKeys: false),
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
    func open(_ candidate: Candidate, keyCount: Int) throws -> Result<any Variant, Failure> {
        do {
            return .success(try load(candidate, keyCount))
        } catch let failure as Failure {
            if mustBeThere { throw Failure("\(candidate.name): \(failure)") }
            return .failure(failure)
        }
    }

    private func load(_ candidate: Candidate, _ keyCount: Int) throws -> any Variant {
        guard let folder else { throw Failure("not measured: start this program through Tests/Benchmarks/run") }
        guard let library = unsafe dlopen("\(folder)/\(candidate.library).so", RTLD_NOW | RTLD_LOCAL),
            let symbol = unsafe dlsym(library, "benchmark_rival")
        else { throw Failure("not here: it needs \(candidate.packages)") }
        let functions = unsafe symbol.assumingMemoryBound(to: benchmark_rival.self).pointee
        return try Rival(functions, folder: "\(folder)/\(candidate.library)", keyCount: keyCount)
    }
}
