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
    private let functions: benchmark_rival
    private let state: UnsafeMutableRawPointer

    /// Opens it in `folder` and sets every key.
    init(_ functions: benchmark_rival, folder: String, keyCount: Int) throws {
        var reason: UnsafePointer<CChar>?
        guard let open = unsafe functions.open, let state = unsafe open(folder, keyCount, &reason) else {
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
