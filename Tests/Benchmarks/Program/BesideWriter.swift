internal import CBenchmarkFloors
internal import SharedMem
internal import TestSupport

/// Gets of one key beside a writer on another core that sets this very key and never pauses.
///
/// The median is that of means of 16 gets, because a processor's time stamp can be as coarse as 10 ns; the 99th
/// percentile is that of single gets. What was measured while the writer stood still doesn't count.
@safe
final class BesideWriter {
    private let place: Place
    private let rotation: OpaquePointer
    private let writer: OpaquePointer
    private let clock = TickClock()
    /// The times of one burst, in ticks.
    private let ticks = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: burst)
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    /// Gets that are timed together, or one after the other.
    private static var burst: Int { 16 }

    /// Bursts of either kind in a round.
    private static var burstCount: Int { 16 }

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
                unsafe try sample(BENCHMARK_WRITE_STORE, into: &stores) { unsafe self.read(key, $0, $1) }
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
                switch unsafe benchmark_writer_next(writer) {
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

    /// Takes bursts of both kinds while the writer does as it is told.
    private func sample(
        _ command: benchmark_command, into samples: inout Samples,
        _ read: (_ ticks: UnsafeMutableBufferPointer<UInt64>, _ reads: Int) -> Int32
    ) throws {
        var means: [Double] = []
        unsafe benchmark_writer_tell(writer, command)
        for _ in 0..<Self.burstCount {
            if let burst = unsafe try burst(stamps: 1, read) { means += burst }
            if let burst = unsafe try burst(stamps: Self.burst, read) { samples.singles += burst }
        }
        unsafe benchmark_writer_tell(writer, BENCHMARK_PAUSE)
        samples.append(means)
    }

    /// The nanoseconds of a get at each of so many stamps; nil: the writer stood still.
    private func burst(
        stamps: Int, _ read: (_ ticks: UnsafeMutableBufferPointer<UInt64>, _ reads: Int) -> Int32
    ) throws -> [Double]? {
        let used = unsafe UnsafeMutableBufferPointer(rebasing: ticks[..<stamps])
        let reads = Self.burst / stamps
        let outcome = unsafe read(used, reads)
        guard outcome >= 0 else { throw Failure("a get beside a writer read nothing or wrong bytes") }
        return unsafe outcome == 0 ? nil : used.map { clock.nanoseconds($0) / Double(reads) }
    }

    private func readRotation(_ ticks: UnsafeMutableBufferPointer<UInt64>, _ reads: Int) -> Int32 {
        unsafe floor_rotation_sample(rotation, ticks.baseAddress, ticks.count, reads)
    }

    /// The same for the store: -1: a value was wrong; 0: the writer wrote nothing meanwhile; 1: it did.
    private func read(_ key: Key, _ ticks: UnsafeMutableBufferPointer<UInt64>, _ reads: Int) -> Int32 {
        var isRight = true
        do throws(SharedMemError) {
            let before = try unsafe key.get(into: buffer)?.version
            var last: UInt64?
            for index in ticks.indices {
                let start = benchmark_ticks()
                for _ in 0..<reads {
                    last = try unsafe key.get(into: buffer)?.version
                    isRight = unsafe benchmark_is_value(buffer.baseAddress, 0) != 0 && isRight
                }
                unsafe ticks[index] = benchmark_ticks() - start
                isRight =
                    unsafe benchmark_is_whole_value(buffer.baseAddress, 0, .max, BENCHMARK_CHECK_WHOLE) != 0 && isRight
            }
            guard isRight, let before, let last else { return -1 }
            return last == before ? 0 : 1
        } catch {
            return -1
        }
    }

    private static func rows(_ floors: Samples, _ stores: Samples) -> [Measurement] {
        let pairs = zip(stores.medians, floors.medians).compactMap { store, floor in
            if let store, let floor { store / floor } else { nil }
        }
        let floor = floors.measurement(floorName)
        var store = stores.measurement(storeName)
        store.floor = floorName
        store.ratio = Measurement.quantile(pairs, 0.5)
        store.goal = 0.8
        var tail = Measurement("the p99 of both", store.percentile99 ?? .nan, goal: 0.25)
        tail.floor = floorName
        tail.ratio = (store.percentile99 ?? .nan) / (floor.percentile99 ?? .nan)
        return [floor, store, tail]
    }

    /// The times of gets, round by round, in nanoseconds.
    private struct Samples {
        /// Means of bursts.
        private var means: [Double] = []
        /// Single gets.
        var singles: [Double] = []
        /// The median of each round's means; nil: the writer stood still.
        private(set) var medians: [Double?] = []

        /// Adds a round.
        mutating func append(_ round: [Double]) {
            means += round
            medians.append(round.isEmpty ? nil : Measurement.quantile(round, 0.5))
        }

        func measurement(_ name: String) -> Measurement {
            var measurement = Measurement(name, means)
            measurement.percentile99 = Measurement.quantile(singles, 0.99)
            return measurement
        }
    }
}
