internal import CBenchmarkFloors
internal import SharedMem
internal import SharedMemStore

/// The store, keys looked up by their names.
@safe
final class NamedStore: Variant {
    private let segment: Segment
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    init(_ segment: Segment) { self.segment = segment }

    deinit { unsafe buffer.deallocate() }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        let isRight = draws.each(count) { _, key, number in
            do throws(SharedMemError) {
                let found = try unsafe segment.get(key, into: buffer)
                return unsafe found?.byteCount == buffer.count
                    && draws.isValue(UnsafeRawBufferPointer(buffer), of: number, check)
            } catch {
                return false
            }
        }
        return isRight ? 0 : -1
    }

    func set(_ draws: Draws, _ count: Int) -> Int64 {
        let isRight = draws.each(count) { _, key, number in
            do throws(SharedMemError) {
                try unsafe segment.set(key, to: draws.value(of: number).bytes)
                return true
            } catch {
                return false
            }
        }
        return isRight ? 0 : -1
    }

    func audit() throws { _ = try segment.audit() }
}

/// The store, by handles of its keys: one for each key, or for each draw if no key is drawn twice.
///
/// Handles of many keys lie in the order in which they are drawn, so that what is measured is the store's memory.
@safe
final class HandleStore: Variant {
    /// What a row does otherwise, to show that it would be noticed.
    enum Fault {
        /// It doesn't read.
        case nothingRead
    }

    private let segment: Segment
    private let fault: Fault?
    private let isByNumber: Bool
    private let keys: [Key]
    /// The same; a program has its handle at hand, and doesn't count references for each get.
    private let handles: [Unmanaged<Key>]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    init(_ segment: Segment, _ draws: Draws, fault: Fault? = nil) throws {
        self.segment = segment
        self.fault = fault
        isByNumber = draws.count > draws.keyCount
        keys =
            isByNumber
            ? try (0..<draws.keyCount).map { try Key(Draws.key(ofNumber: $0), in: segment) }
            : try (0..<draws.count).map { try Key(draws.key(ofDraw: $0), in: segment) }
        unsafe handles = keys.map { unsafe Unmanaged.passUnretained($0) }
        // So that all of them know where their key is.
        guard get(draws, draws.count, BENCHMARK_CHECK_WHOLE) == 0 || fault != nil else {
            throw Failure("the segment holds other values than were set")
        }
    }

    deinit { unsafe buffer.deallocate() }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        if fault == .nothingRead {
            return draws.each(count) { _, _, number in
                unsafe draws.isValue(UnsafeRawBufferPointer(buffer), of: number, check)
            } ? 0 : -1
        }
        let isRight = draws.each(count) { index, _, number in
            let found = get(isByNumber ? Int(number) : index)
            return unsafe found && draws.isValue(UnsafeRawBufferPointer(buffer), of: number, check)
        }
        return isRight ? 0 : -1
    }

    /// The same, each get begun when the one before it has ended, and `delay` steps behind it.
    func getOneAtATime(_ draws: Draws, _ count: Int, _ check: Check, delay: UInt64) -> Int64 {
        let isRight = draws.each(count) { index, _, number in
            benchmark_fence()
            let found = get(isByNumber ? Int(number) : index)
            benchmark_fence()
            benchmark_delay(delay)
            // What follows would go on beside the delay.
            benchmark_fence()
            return unsafe found && draws.isValue(UnsafeRawBufferPointer(buffer), of: number, check)
        }
        return isRight ? 0 : -1
    }

    @inline(__always)
    private func get(_ index: Int) -> Bool {
        unsafe handles[index]._withUnsafeGuaranteedRef { key in
            do throws(SharedMemError) {
                return try unsafe key.get(into: buffer)?.byteCount == buffer.count
            } catch {
                return false
            }
        }
    }

    func set(_ draws: Draws, _ count: Int) -> Int64 {
        let isRight = draws.each(count) { index, _, number in
            unsafe handles[isByNumber ? Int(number) : index]._withUnsafeGuaranteedRef { key in
                do throws(SharedMemError) {
                    try unsafe key.set(to: draws.value(of: number).bytes)
                    return true
                } catch {
                    return false
                }
            }
        }
        return isRight ? 0 : -1
    }

    func audit() throws { _ = try segment.audit() }
}

/// A store by handles, one get at a time.
final class OneAtATime: Variant {
    private let store: HandleStore
    private let delay: UInt64

    /// With `nanoseconds` of delay behind each get.
    init(_ store: HandleStore, delayedBy nanoseconds: Double = 0) {
        self.store = store
        delay = nanoseconds == 0 ? 0 : UInt64((nanoseconds / Self.step).rounded())
    }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        store.getOneAtATime(draws, count, check, delay: delay)
    }

    func audit() throws { try store.audit() }

    /// The nanoseconds of one step: the shortest of some measurements.
    private static var step: Double {
        let steps: UInt64 = 100_000
        let times = (0..<20).map { _ in
            let start = benchmark_nanoseconds()
            benchmark_delay(steps)
            return benchmark_nanoseconds() - start
        }
        return Double(times.min() ?? 0) / Double(steps)
    }
}

/// The store, sixteen keys in one call, as of one moment.
final class SixteenAtOnce: Variant {
    /// A key in place, as a program could have it.
    private struct DrawnKey: SegmentKey {
        let high: UInt64
        let low: UInt64

        init(_ bytes: [UInt8]) {
            high = unsafe bytes.span.bytes.unsafeLoadUnaligned(as: UInt64.self)
            low = unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
        }

        func withKeyBytes<Result, Failure: Error>(
            _ body: (RawSpan) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            var copy = (high, low)
            return try unsafe withUnsafeBytes(of: &copy) { (bytes) throws(Failure) in try unsafe body(bytes.bytes) }
        }
    }

    /// Keys in draw order, and their numbers.
    private struct Batch {
        let keys: [DrawnKey]
        let numbers: [UInt64]
    }

    let batch = 16
    private let segment: Segment
    private let batches: [Batch]

    init(_ segment: Segment, _ draws: Draws) {
        self.segment = segment
        let size = batch
        batches = (0..<draws.count / size).map { number in
            let indices = number * size..<(number + 1) * size
            return Batch(
                keys: indices.map { DrawnKey(draws.key(ofDraw: $0)) }, numbers: indices.map { draws.number(ofDraw: $0) }
            )
        }
    }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        let isRight = draws.eachBatch(count / batch, of: batch) { index in
            let batch = batches[index]
            do throws(SharedMemError) {
                let values = try segment.values(of: batch.keys)
                var isRight = values.count == batch.keys.count
                for (value, number) in zip(values, batch.numbers) {
                    guard let value else { return false }
                    isRight = unsafe value.withUnsafeBytes { unsafe draws.isValue($0, of: number, check) } && isRight
                }
                return isRight
            } catch {
                return false
            }
        }
        return isRight ? 0 : -1
    }

    func audit() throws { _ = try segment.audit() }
}
