internal import ArgumentParser
internal import CBenchmarkFloors
internal import Foundation
internal import SharedMem

/// The process that is woken in `Wakes`.
struct Watcher: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait as the setter says; started by the benchmarks.", shouldDisplay: false)

    @OptionGroup var setter: SetterOptions

    @Option(help: "Where values come by FIFO.")
    var fifo: String

    func run() throws {
        let memory = try setter.begin()
        let wakes = unsafe memory.wakes
        guard let pipe = FileHandle(forUpdatingAtPath: fifo) else { throw Failure("\(fifo) can't be opened") }
        let segment = try setter.open()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)
        var version = try segment.metadata(Wakes.key)?.version ?? 0
        unsafe benchmark_wakes_arrive(wakes)
        while true {
            var number: UInt64 = 0
            let kind = unsafe benchmark_wakes_next(wakes, &number)
            unsafe benchmark_wakes_ready(wakes, number)
            switch kind {
            case BENCHMARK_WAKE_FUTEX: unsafe floor_futex_wait(wakes, number, buffer.baseAddress)
            case BENCHMARK_WAKE_FIFO:
                guard unsafe read(pipe.fileDescriptor, buffer.baseAddress, buffer.count) == buffer.count else {
                    throw Failure("the FIFO gives nothing: errno \(errno)")
                }
            default:
                version = try segment.wait(for: Wakes.key, after: version)?.version ?? version
                let key = Wakes.key
                _ = try unsafe segment.get(key.span.bytes, into: buffer)
            }
            let time = benchmark_nanoseconds()
            unsafe benchmark_wakes_seen(wakes, number, buffer.baseAddress, time)
        }
    }
}

/// What a watching process is told by the process that sets.
struct SetterOptions: ParsableArguments {
    @Option(help: "The memory that both share.")
    var memory: String

    @Option(help: "The core to run on.")
    var core: Int32

    @Option(help: "Who started this process, which ends with it.")
    var parent: Int32

    @Option(help: "Where the daemon listens.")
    var daemon: String

    @Option(help: "The segment.")
    var segment: String

    /// Maps the memory, stays on the core and ends with the setter.
    func begin() throws -> WakesMemory {
        guard benchmark_end_with_parent(parent) != 0 else { throw Failure("process \(parent) is gone") }
        guard benchmark_pin(core) != 0 else { throw Failure("a watcher can't be kept on core \(core)") }
        return try WakesMemory(path: memory)
    }

    /// The segment, read-only, as a watcher needs it.
    func open() throws(SharedMemError) -> Segment {
        try Segment.open(segment, access: .readOnly, socketPath: daemon)
    }
}
