internal import CBenchmarkFloors
internal import SharedMem

/// What is measured, all of it over the same keys.
@safe
final class Rows {
    private let keys: Keys
    private let segment: Segment
    private let table: OpaquePointer
    private let buffer: UnsafeMutableRawBufferPointer

    /// Fills the segment and the floors with `count` keys.
    init(segment: Segment, keyCount: Int) throws {
        keys = Keys(count: keyCount)
        self.segment = segment
        guard let table = unsafe floor_table_make(keyCount) else { throw OutOfMemory() }
        unsafe self.table = table
        unsafe buffer = .allocate(byteCount: Keys.valueByteCount, alignment: 64)
        for number in 0..<keyCount {
            let key = unsafe keys.key(number)
            let value = unsafe keys.value(number)
            guard let name = key.baseAddress, let bytes = value.baseAddress else { throw OutOfMemory() }
            unsafe floor_table_add(table, name)
            guard unsafe floor_table_set(table, name, bytes) == 1 else { throw OutOfMemory() }
            try unsafe segment.set(key.bytes, to: value.bytes)
        }
    }

    deinit {
        unsafe floor_table_free(table)
        unsafe buffer.deallocate()
    }

    /// The floors' tables don't fit into memory.
    struct OutOfMemory: Error {}

    /// The rows of one table.
    var all: [Row] {
        let copy = "memcpy of 64 B"
        let get = "C sequence lock with look-up, get 64 B"
        let set = "C sequence lock with look-up, set 64 B"
        return [
            Row(name: copy, floor: nil, run: self.copy),
            Row(name: get, floor: copy, run: floorGet),
            Row(name: "sharedmemd by name, get 64 B", floor: get, run: self.get),
            Row(name: set, floor: copy, run: floorSet),
            Row(name: "sharedmemd by name, set 64 B", floor: set, run: self.set),
        ]
    }
}

// MARK: - One row each

extension Rows {
    private func copy(_ count: Int) -> Bool {
        guard let target = unsafe buffer.baseAddress else { return false }
        var isRight = true
        for _ in 0..<count {
            let number = keys.next()
            guard let source = unsafe keys.value(number).baseAddress else { return false }
            unsafe floor_copy(target, source, Keys.valueByteCount)
            isRight = unsafe keys.isValue(UnsafeRawBufferPointer(buffer), of: number) && isRight
        }
        return isRight
    }

    private func floorGet(_ count: Int) -> Bool {
        guard let target = unsafe buffer.baseAddress else { return false }
        var isRight = true
        for _ in 0..<count {
            let number = keys.next()
            guard let key = unsafe keys.key(number).baseAddress else { return false }
            let found = unsafe floor_table_get(table, key, target)
            isRight = unsafe found == 1 && keys.isValue(UnsafeRawBufferPointer(buffer), of: number) && isRight
        }
        return isRight
    }

    private func get(_ count: Int) -> Bool {
        var isRight = true
        for _ in 0..<count {
            let number = keys.next()
            do throws(SharedMemError) {
                let found = try unsafe segment.get(keys.key(number).bytes, into: buffer)
                let isFound = found?.byteCount == Keys.valueByteCount
                isRight = unsafe isFound && keys.isValue(UnsafeRawBufferPointer(buffer), of: number) && isRight
            } catch {
                return false
            }
        }
        return isRight
    }

    private func floorSet(_ count: Int) -> Bool {
        var isRight = true
        for _ in 0..<count {
            let number = keys.next()
            guard let key = unsafe keys.key(number).baseAddress, let value = unsafe keys.value(number).baseAddress
            else {
                return false
            }
            isRight = unsafe floor_table_set(table, key, value) == 1 && isRight
        }
        return isRight
    }

    private func set(_ count: Int) -> Bool {
        for _ in 0..<count {
            let number = keys.next()
            do throws(SharedMemError) {
                try unsafe segment.set(keys.key(number).bytes, to: keys.value(number).bytes)
            } catch {
                return false
            }
        }
        return true
    }
}
