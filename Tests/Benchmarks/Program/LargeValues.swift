internal import CBenchmarkFloors
internal import Foundation
internal import SharedMem

/// Get and set of 1 MiB.
struct LargeValues {
    private let place: Place

    init(_ place: Place) { self.place = place }

    /// Measures all rows.
    func measure() throws -> Section {
        try place.withSegment("large", byteCount: 64 << 20) { segment in
            // One key; its draws count the generations.
            let draws = try Draws(keyCount: 1, isWritable: true)
            let copy = try LargeValue(through: .copy)
            let store = try LargeValue(through: .store(Key("large", in: segment)))
            let rows = [
                Row("get: memcpy from shared memory", .get, draws, copy),
                Row(
                    "get: sharedmemd by handle", .get, draws, store, floor: "get: memcpy from shared memory",
                    goal: 1 / 0.95),
                Row("set: memcpy to shared memory", .set, draws, copy),
                Row(
                    "set: sharedmemd by handle", .set, draws, store, floor: "set: memcpy to shared memory",
                    goal: 1 / 0.9),
            ]
            let measurements = try Schedule(rows, rounds: place.extent.rounds).measure()
            _ = try segment.audit()
            return Section(title: "1 MiB", keyCount: 1, rows: measurements)
        }
    }
}

/// One large value, kept by the store or copied by C.
@safe
private final class LargeValue: Variant {
    /// How it is kept.
    enum Way {
        /// memcpy from and to shared memory.
        case copy
        /// A key of a segment.
        case store(Key)
    }

    private static var byteCount: Int { 1 << 20 }

    private let way: Way
    private let shared: UnsafeMutableRawPointer
    private let source = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    private let target = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)

    init(through way: Way) throws {
        guard let shared = unsafe floor_shared_memory(Self.byteCount) else { throw Failure("there is no memory") }
        self.way = way
        unsafe self.shared = shared
        for index in 0..<Self.byteCount {
            unsafe source.storeBytes(
                of: UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8), toByteOffset: index, as: UInt8.self)
        }
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: Self.byteCount)
        guard set(1) else { throw Failure("the first set of 1 MiB failed") }
    }

    deinit {
        unsafe floor_shared_memory_free(shared, Self.byteCount)
        unsafe source.deallocate()
        unsafe target.deallocate()
    }

    func get(_ draws: Draws, _ count: Int, _ check: Check) -> Int64 {
        unsafe target.storeBytes(of: 0, toByteOffset: Self.byteCount - 8, as: UInt64.self)
        var isRight = true
        for _ in 0..<count {
            isRight = get() && isRight
            isRight =
                unsafe target.load(fromByteOffset: Self.byteCount - 8, as: UInt64.self)
                == source.load(fromByteOffset: Self.byteCount - 8, as: UInt64.self) && isRight
        }
        if check != BENCHMARK_CHECK_QUICK {
            isRight = unsafe memcmp(target, source, Self.byteCount) == 0 && isRight
        }
        return isRight ? 0 : -1
    }

    func set(_ draws: Draws, _ count: Int) -> Int64 {
        // Another value for each generation, at both ends.
        unsafe source.storeBytes(of: draws.generation, as: UInt64.self)
        unsafe source.storeBytes(of: ~draws.generation, toByteOffset: Self.byteCount - 8, as: UInt64.self)
        return set(count) ? 0 : -1
    }

    private func get() -> Bool {
        switch way {
        case .copy:
            unsafe floor_copy(target, shared, Self.byteCount)
            return true
        case .store(let key):
            do throws(SharedMemError) {
                return try unsafe key.get(into: UnsafeMutableRawBufferPointer(start: target, count: Self.byteCount))?
                    .byteCount == Self.byteCount
            } catch {
                return false
            }
        }
    }

    private func set(_ count: Int) -> Bool {
        for _ in 0..<count {
            switch way {
            case .copy: unsafe floor_copy(shared, source, Self.byteCount)
            case .store(let key):
                do throws(SharedMemError) {
                    try unsafe key.set(to: UnsafeRawBufferPointer(start: source, count: Self.byteCount).bytes)
                } catch {
                    return false
                }
            }
        }
        return true
    }
}
