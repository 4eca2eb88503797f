internal import CBenchmarkFloors
internal import SharedMem
internal import SharedMemStore

/// The store, keys looked up by their names.
@safe
final class NamedStore: Variant {
    private let segment: Segment
    private let value = UnsafeMutableRawPointer.allocate(byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 64)

    init(_ segment: Segment) { self.segment = segment }

    deinit { unsafe value.deallocate() }

    /// Where values are read to.
    private var buffer: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: value, count: Int(BENCHMARK_VALUE_SIZE))
    }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        let isRight = draws.each(count) { _, key, number in
            do throws(SharedMemError) {
                guard let found = try unsafe segment.get(key, into: buffer) else { return false }
                return unsafe found.byteCount == Int(BENCHMARK_VALUE_SIZE)
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
