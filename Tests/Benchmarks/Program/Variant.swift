internal import CBenchmarkFloors

/// One way of keeping values by key: a floor, the store, or what a user could pick instead.
///
/// `get` and `set` do their work `count` times for the next draws. Negative: a result was wrong; 0: done; positive:
/// done, and so many nanoseconds were needed as the variant has measured itself.
protocol Variant: AnyObject {
    /// Work is done in multiples of this.
    var batch: Int { get }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64
    func set(_ draws: Draws, _ count: Int) -> Int64

    /// Holds the memory against its invariants, where it has any that can be checked.
    func audit() throws
}

extension Variant {
    var batch: Int { 1 }

    func set(_ draws: Draws, _ count: Int) -> Int64 { -1 }

    func audit() throws {}
}

/// A floor or a rival, written in C or C++.
@safe
final class Rival: Variant {
    /// Where it may work: a folder of its own, the daemon, and a segment that holds every key.
    struct Site {
        /// The folder's path.
        var folder = ""
        /// The path of the daemon's socket.
        var socket = ""
        /// The segment's name.
        var segment = ""
    }

    private let functions: benchmark_rival
    private let state: UnsafeMutableRawPointer

    /// Opens it at `site`, with every key set.
    init(_ functions: benchmark_rival, at site: Site = Site(), keyCount: Int) throws {
        var reason: UnsafePointer<CChar>?
        guard let state = unsafe site.withPointer({ unsafe functions.open?($0, keyCount, &reason) }) else {
            throw Failure(unsafe reason.map { unsafe String(cString: $0) } ?? "it can't be opened")
        }
        self.functions = functions
        unsafe self.state = state
    }

    deinit { unsafe functions.close?(state) }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        unsafe draws.withPointer { draws in unsafe functions.get?(state, draws, count, check) ?? -1 }
    }

    func set(_ draws: Draws, _ count: Int) -> Int64 {
        unsafe draws.withPointer { draws in unsafe functions.set?(state, draws, count) ?? -1 }
    }
}

extension Rival.Site {
    /// Runs `body` with the same as C has it.
    fileprivate func withPointer<Result>(_ body: (UnsafePointer<benchmark_site>) -> Result) -> Result {
        unsafe folder.withCString { folder in
            unsafe socket.withCString { socket in
                unsafe segment.withCString { segment in
                    var site = unsafe benchmark_site(folder: folder, socket: socket, segment: segment)
                    return unsafe body(&site)
                }
            }
        }
    }
}
