internal import CBenchmarkFloors

/// How much of a value is looked at.
typealias Check = benchmark_check

/// The keys that the rows of a table draw, one behind the other, and the values they have.
@safe
final class Draws {
    /// How many different keys there are.
    let keyCount: Int
    private let draws: UnsafeMutablePointer<benchmark_draws>

    /// Keys that are drawn at most before the first of them is drawn again: more than any row needs.
    private static var limit: Int { 1 << 20 }

    /// Draws of `keyCount` keys; writable: with values for sets.
    init(keyCount: Int, isWritable: Bool = false) throws {
        guard let made = unsafe benchmark_draws_make(keyCount, Self.limit, isWritable ? 1 : 0) else {
            throw Failure("there is no memory for \(keyCount) keys")
        }
        self.keyCount = keyCount
        unsafe draws = made
    }

    deinit { unsafe benchmark_draws_free(draws) }

    /// How many draws there are before they begin again.
    var count: Int { unsafe draws.pointee.count }

    /// Makes the values that sets write from now on.
    func nextGeneration() { unsafe benchmark_next_generation(draws) }

    /// Counts from 0.
    var generation: UInt64 { unsafe draws.pointee.generation }

    /// Goes back to what was drawn last.
    func rewind(_ steps: Int) {
        let count = unsafe draws.pointee.count
        unsafe draws.pointee.position = (draws.pointee.position + count - steps % count) % count
    }

    /// The key of a draw.
    func key(ofDraw index: Int) -> [UInt8] { unsafe [UInt8](bytes(ofDraw: index)) }

    /// The key of a number.
    static func key(ofNumber number: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Int(BENCHMARK_KEY_SIZE)) { buffer, count in
            unsafe benchmark_key(UInt64(number), buffer.baseAddress)
            count = buffer.count
        }
    }

    /// The number of a draw.
    func number(ofDraw index: Int) -> UInt64 { unsafe draws.pointee.draws[index].number }

    /// The key of a draw, where it is.
    @inline(__always)
    private func bytes(ofDraw index: Int) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: draws.pointee.draws + index, count: Int(BENCHMARK_KEY_SIZE))
    }

    /// Runs `body` with each of the next `count` draws: its index, key and number; false: it was false once.
    @inline(__always)
    func each(_ count: Int, _ body: (_ index: Int, _ key: RawSpan, _ number: UInt64) -> Bool) -> Bool {
        var position = unsafe draws.pointee.position
        let end = unsafe draws.pointee.count
        guard let list = unsafe draws.pointee.draws else { return false }
        var isRight = true
        var remaining = count
        while remaining > 0 {
            let draw = unsafe list + position
            let key = unsafe UnsafeRawBufferPointer(start: draw, count: Int(BENCHMARK_KEY_SIZE))
            isRight = unsafe body(position, key.bytes, draw.pointee.number) && isRight
            position &+= 1
            if position == end { position = 0 }
            remaining &-= 1
        }
        unsafe draws.pointee.position = position
        return isRight
    }

    /// Runs `body` with the number of each of the next `count` batches of draws; false: it was false once.
    @inline(__always)
    func eachBatch(_ count: Int, of size: Int, _ body: (_ batch: Int) -> Bool) -> Bool {
        let end = unsafe draws.pointee.count / size
        var batch = unsafe (draws.pointee.position + size - 1) / size
        var isRight = true
        for _ in 0..<count {
            if batch >= end { batch = 0 }
            isRight = body(batch) && isRight
            batch += 1
        }
        unsafe draws.pointee.position = batch >= end ? 0 : batch * size
        return isRight
    }

    /// Whether `buffer` holds the value of a key.
    @inline(__always)
    func isValue(_ buffer: UnsafeRawBufferPointer, of number: UInt64, _ check: Check) -> Bool {
        guard let start = buffer.baseAddress, buffer.count >= Int(BENCHMARK_VALUE_SIZE),
            unsafe benchmark_is_value(start, number) != 0
        else { return false }
        return unsafe check == BENCHMARK_CHECK_QUICK
            || benchmark_is_whole_value(start, number, generation, check) != 0
    }

    /// The newest value of a key.
    @inline(__always)
    func value(of number: UInt64) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: draws.pointee.values + Int(number) * 8, count: Int(BENCHMARK_VALUE_SIZE))
    }

    /// Lets a rival of C do its work with these draws.
    func withPointer(_ body: (UnsafeMutablePointer<benchmark_draws>) -> Int64) -> Int64 { unsafe body(draws) }
}

/// Why something can't be measured, or was measured and means nothing.
struct Failure: Error, CustomStringConvertible {
    /// One sentence.
    let description: String

    init(_ description: String) { self.description = description }
}
