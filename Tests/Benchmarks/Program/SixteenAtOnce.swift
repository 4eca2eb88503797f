internal import CBenchmarkFloors
internal import SharedMem
internal import SharedMemStore

/// The store, sixteen keys in one call, as of one moment.
@safe
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
    private let inArrays: Bool
    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: 16 * Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    /// With an array for each value, or all of them in one buffer.
    init(_ segment: Segment, _ draws: Draws, inArrays: Bool) {
        self.segment = segment
        self.inArrays = inArrays
        let size = batch
        batches = (0..<draws.count / size).map { number in
            let indices = number * size..<(number + 1) * size
            return Batch(
                keys: indices.map { DrawnKey(draws.key(ofDraw: $0)) }, numbers: indices.map { draws.number(ofDraw: $0) }
            )
        }
    }

    deinit { unsafe buffer.deallocate() }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        inArrays ? getArrays(draws, count, check) : getParts(draws, count, check)
    }

    private func getParts(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        let size = Int(BENCHMARK_VALUE_SIZE)
        let isRight = draws.eachBatch(count / batch, of: batch) { index in
            do throws(SharedMemError) {
                let values = try unsafe segment.get(batches[index].keys, into: buffer, stride: size)
                var isRight = values.count == batch
                for (place, number) in batches[index].numbers.enumerated() {
                    let value = unsafe UnsafeRawBufferPointer(rebasing: buffer[place * size..<(place + 1) * size])
                    isRight =
                        unsafe values[place]?.byteCount == size && draws.isValue(value, of: number, check) && isRight
                }
                return isRight
            } catch {
                return false
            }
        }
        return isRight ? 0 : -1
    }

    private func getArrays(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
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
