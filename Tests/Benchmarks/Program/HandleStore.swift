internal import CBenchmarkFloors
internal import SharedMem
internal import SharedMemStore

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
    private let handles: UnsafeMutablePointer<Unmanaged<Key>>
    private let value = UnsafeMutableRawPointer.allocate(byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    init(_ segment: Segment, _ draws: Draws, fault: Fault? = nil) throws {
        self.segment = segment
        self.fault = fault
        isByNumber = draws.count > draws.keyCount
        keys =
            isByNumber
            ? try (0..<draws.keyCount).map { try Key(Draws.key(ofNumber: $0), in: segment) }
            : try (0..<draws.count).map { try Key(draws.key(ofDraw: $0), in: segment) }
        unsafe handles = .allocate(capacity: keys.count)
        for (index, key) in keys.enumerated() {
            unsafe (handles + index).initialize(to: Unmanaged.passUnretained(key))
        }
        // So that all of them know where their key is.
        guard get(draws, draws.count, BENCHMARK_CHECK_WHOLE) == 0 || fault != nil else {
            throw Failure("the segment holds other values than were set")
        }
    }

    deinit {
        unsafe handles.deallocate()
        unsafe value.deallocate()
    }

    /// Where values are read to.
    private var buffer: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: value, count: Int(BENCHMARK_VALUE_SIZE))
    }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        if fault == .nothingRead {
            return draws.each(count) { _, _, number in
                unsafe draws.isValue(UnsafeRawBufferPointer(buffer), of: number, check)
            } ? 0 : -1
        }
        // Two loops: which of them it is isn't asked for each get.
        let isRight =
            isByNumber
            ? draws.each(count) { _, _, number in getAndLook(Int(truncatingIfNeeded: number), draws, number, check) }
            : draws.each(count) { index, _, number in getAndLook(index, draws, number, check) }
        return isRight ? 0 : -1
    }

    @inline(__always)
    private func getAndLook(_ index: Int, _ draws: Draws, _ number: UInt64, _ check: Check) -> Bool {
        unsafe get(index) && draws.isValue(UnsafeRawBufferPointer(buffer), of: number, check)
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
                guard let found = try unsafe key.get(into: buffer) else { return false }
                return found.byteCount == Int(BENCHMARK_VALUE_SIZE)
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
