internal import CBenchmarkFloors
internal import Foundation

/// The memory that a process which sets shares with those that watch.
///
/// `@unchecked Sendable`: the address never changes, and what is there is reached by atomic operations of C alone.
@safe
final class WakesMemory: @unchecked Sendable {
    /// What they agree on; valid as long as the memory lives.
    @unsafe let wakes: OpaquePointer
    private let file: Int32

    /// Makes it.
    init() throws {
        file = benchmark_wakes_file()
        guard file >= 0 else { throw Failure("there is no memory for a watcher: errno \(errno)") }
        unsafe wakes = try Self.map("/proc/self/fd/\(file)")
    }

    /// Maps what another process has made.
    init(path: String) throws {
        file = -1
        unsafe wakes = try Self.map(path)
    }

    deinit {
        unsafe benchmark_wakes_unmap(wakes)
        if file >= 0 { close(file) }
    }

    /// Where another process finds it as long as this one has it.
    var path: String { "/proc/\(getpid())/fd/\(file)" }

    @unsafe
    private static func map(_ path: String) throws -> OpaquePointer {
        guard let wakes = unsafe benchmark_wakes_map(path) else {
            throw Failure("\(path) can't be mapped: errno \(errno)")
        }
        return unsafe wakes
    }
}
