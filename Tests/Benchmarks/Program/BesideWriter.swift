internal import CBenchmarkFloors
internal import SharedMem
internal import TestSupport

/// Gets of one key beside a writer on another core that sets this very key and never pauses; each get is timed alone.
@safe
final class BesideWriter {
    private let place: Place
    private let rotation: OpaquePointer
    private let writer: OpaquePointer
    private let clock = TickClock()
    /// The times of one round, in ticks.
    private let ticks = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: sampleCount)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    /// Gets in a round.
    private static var sampleCount: Int { 256 }

    init(_ place: Place) throws {
        guard let rotation = unsafe floor_rotation_make(), let writer = unsafe benchmark_writer_make() else {
            throw Failure("there is no memory for a writer")
        }
        self.place = place
        unsafe self.rotation = rotation
        unsafe self.writer = writer
    }

    deinit {
        unsafe floor_rotation_free(rotation)
        unsafe benchmark_writer_free(writer)
        unsafe ticks.deallocate()
        unsafe buffer.deallocate()
    }

    private static var floorName: String { "get: four rotating buffers" }
    private static var storeName: String { "get: sharedmemd by handle" }

    /// Measures all rows.
    func measure() throws -> Section {
        let title = "64 B, one key beside a writer that never pauses"
        guard benchmark_core(1) >= 0 else {
            return Section(title: title, keyCount: 1, rows: [Measurement(Self.storeName, note: "needs two cores")])
        }
        return try place.withSegment("busy", byteCount: 16 << 20) { segment in
            try segment.fill(1)
            let thread = try startWriter(place.open("busy"))
            let key = try Key(Draws.key(ofNumber: 0), in: segment)
            var floors = Samples()
            var stores = Samples()
            for _ in 0..<place.extent.rounds {
                unsafe try sample(BENCHMARK_WRITE_FLOOR, into: &floors, readRotation)
                unsafe try sample(BENCHMARK_WRITE_STORE, into: &stores) { ticks in unsafe self.read(key, ticks) }
            }
            unsafe benchmark_writer_tell(writer, BENCHMARK_END)
            try thread.join()
            _ = try segment.audit()
            return Section(title: title, keyCount: 1, rows: Self.rows(floors, stores))
        }
    }

    /// Starts the writer on the other core; it sleeps until it is told what to write.
    private func startWriter(_ segment: Segment) throws -> SecondThread {
        let (writer, rotation) = unsafe (UInt(bitPattern: writer), UInt(bitPattern: rotation))
        let key = try Key(Draws.key(ofNumber: 0), in: segment)
        return SecondThread {
            guard let writer = unsafe OpaquePointer(bitPattern: writer),
                let rotation = unsafe OpaquePointer(bitPattern: rotation)
            else { return }
            guard benchmark_pin(benchmark_core(1)) != 0 else { throw Failure("the writer can't be kept on one core") }
            let draws = try Draws(keyCount: 1, isWritable: true)
            while true {
                switch unsafe benchmark_writer_turn(writer) {
                case BENCHMARK_WRITE_FLOOR: unsafe floor_rotation_write(rotation, Self.turn)
                case BENCHMARK_WRITE_STORE:
                    draws.nextGeneration()
                    for _ in 0..<Self.turn { try unsafe key.set(to: draws.value(of: 0).bytes) }
                default: return
                }
            }
        }
    }

    /// Sets in one turn of the writer.
    private static var turn: Int { 64 }

    /// Takes samples while the writer does as it is told; none if it stood still meanwhile.
    private func sample(
        _ command: benchmark_command, into samples: inout Samples,
        _ read: (UnsafeMutableBufferPointer<UInt64>) -> Bool
    ) throws {
        unsafe benchmark_writer_tell(writer, command)
        let before = unsafe benchmark_writer_turns(writer)
        guard unsafe read(ticks) else { throw Failure("a get beside a writer read nothing or wrong bytes") }
        let wasBusy = unsafe benchmark_writer_turns(writer) != before
        unsafe benchmark_writer_tell(writer, BENCHMARK_PAUSE)
        unsafe samples.append(wasBusy ? ticks.map { clock.nanoseconds($0) } : nil)
    }

    private func readRotation(_ ticks: UnsafeMutableBufferPointer<UInt64>) -> Bool {
        unsafe floor_rotation_sample(rotation, ticks.baseAddress, ticks.count) != 0
    }

    private func read(_ key: Key, _ ticks: UnsafeMutableBufferPointer<UInt64>) -> Bool {
        var isRight = true
        for index in ticks.indices {
            let start = benchmark_ticks()
            do throws(SharedMemError) {
                isRight = try unsafe key.get(into: buffer)?.byteCount == buffer.count && isRight
            } catch {
                return false
            }
            unsafe ticks[index] = benchmark_ticks() - start
            isRight =
                unsafe benchmark_is_whole_value(buffer.baseAddress, 0, .max, BENCHMARK_CHECK_WHOLE) != 0 && isRight
        }
        return isRight
    }

    private static func rows(_ floors: Samples, _ stores: Samples) -> [Measurement] {
        let pairs = zip(stores.medians, floors.medians).compactMap { store, floor in
            if let store, let floor { store / floor } else { nil }
        }
        var store = Measurement(storeName, stores.all, goal: 0.8)
        store.floor = floorName
        store.ratio = Measurement.quantile(pairs, 0.5)
        let floor = Measurement(floorName, floors.all)
        var tail = Measurement("the p99 of both", store.percentile99 ?? .nan, goal: 0.25)
        tail.floor = floorName
        tail.ratio = (store.percentile99 ?? .nan) / (floor.percentile99 ?? .nan)
        return [floor, store, tail]
    }

    /// The times of single gets, round by round.
    private struct Samples {
        /// All of them, in nanoseconds.
        private(set) var all: [Double] = []
        /// The median of each round; nil: the writer stood still.
        private(set) var medians: [Double?] = []

        /// Adds a round.
        mutating func append(_ round: [Double]?) {
            all += round ?? []
            medians.append(round.map { Measurement.quantile($0, 0.5) })
        }
    }
}

/// What ticks are in nanoseconds, without what taking them costs.
private struct TickClock {
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
