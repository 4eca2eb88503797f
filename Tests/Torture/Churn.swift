internal import Glibc
internal import SharedMemStore
internal import TestSupport

/// Sets, sets again and deletes at random in a heap that stays at one fill, beside a model that knows every value.
@safe final class Churn {
    /// The longest value, in bytes.
    static let largestByteCount = 1 << 20

    /// A key that is set.
    private struct Value {
        let key: Int
        let byteCount: Int
        /// Where in the noise its bytes begin.
        let start: Int
        let version: UInt64
    }

    private let segment: PrivateSegment
    private let targetGranuleCount: Int
    private var random: SplitMix
    private let keys: [[UInt8]]
    /// Random bytes that values are cut from.
    private let noise: [UInt8]
    /// Where values are read to.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Churn.largestByteCount, alignment: 64)
    private var values: [Value] = []
    private var unusedKeys: [Int]
    /// Granules of the records of all keys that are set.
    private(set) var usedGranuleCount = 0
    /// Sets that were refused although a quarter more than they needed was free.
    private(set) var refusedCount = 0
    /// Sets that were refused for want of room.
    private(set) var fullCount = 0
    /// Bytes that were set.
    private(set) var setByteCount = 0

    /// The share of the heap that records take.
    var usedShare: Double { Double(usedGranuleCount) / Double(segment.store.geometry.heapGranuleCount) }

    /// The keys that are set.
    var keyCount: Int { values.count }

    /// Prepares for a fill of `share` of the heap, with all that is random drawn from `seed`.
    init(_ segment: PrivateSegment, share: Double, seed: UInt64) {
        self.segment = segment
        var random = SplitMix(seed: seed)
        let heap = segment.store.geometry.heapGranuleCount
        targetGranuleCount = Int(Double(heap) * share)
        // The mean of a log-uniform size up to 1 MiB is 1 MiB / ln(1 Mi), 1,180 granules.
        keys = (0..<max(64, heap / 400)).map { number in Self.key(number, &random) }
        unusedKeys = Array(keys.indices)
        noise = (0..<3 * Self.largestByteCount / 8).flatMap { _ in
            unsafe withUnsafeBytes(of: random.next()) { unsafe Array($0) }
        }
        self.random = random
    }

    deinit { unsafe buffer.deallocate() }

    /// A key of 4 to 67 bytes.
    private static func key(_ number: Int, _ random: inout SplitMix) -> [UInt8] {
        let filler = [UInt8](repeating: UInt8(ascii: "k"), count: Int(random.next() % 64))
        return (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } + filler
    }

    /// A size, log-uniform between 1 byte and 1 MiB.
    private func drawnByteCount() -> Int {
        let share = Double(random.next() >> 11) / Double(1 << 53)
        return min(Self.largestByteCount, Int(exp2(share * 20)))
    }

    private func drawn(below limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
}

// MARK: - Operations

extension Churn {
    /// Sets new keys until the fill is reached.
    func fill() throws(Wrong) {
        while usedGranuleCount < targetGranuleCount, fullCount == 0, !unusedKeys.isEmpty { try setNewKey() }
    }

    /// One operation: a half sets a key again, a quarter or so sets a new one or deletes one, whichever brings the fill
    /// back; one time in eight a value is read and compared too.
    func step() throws(Wrong) {
        let isBelowTarget = usedGranuleCount < targetGranuleCount
        // A heap that refuses large values runs out of keys before it reaches the fill.
        if !values.isEmpty, random.next() % 2 == 0 || isBelowTarget && unusedKeys.isEmpty {
            try setAgain(drawn(below: values.count))
        } else if isBelowTarget || values.isEmpty {
            try setNewKey()
        } else {
            try delete(drawn(below: values.count))
        }
        if random.next() % 8 == 0, !values.isEmpty { try compare(values[drawn(below: values.count)]) }
    }

    /// Reads every key and compares.
    func compareAll() throws(Wrong) {
        for value in values { try compare(value) }
    }

    private func setNewKey() throws(Wrong) {
        let place = drawn(below: unusedKeys.count)
        guard let value = try set(unusedKeys[place]) else { return }
        unusedKeys.swapAt(place, unusedKeys.count - 1)
        unusedKeys.removeLast()
        values.append(value)
        usedGranuleCount += granules(of: value)
    }

    private func setAgain(_ place: Int) throws(Wrong) {
        let old = values[place]
        guard let value = try set(old.key) else { return }
        values[place] = value
        usedGranuleCount += granules(of: value) - granules(of: old)
    }

    private func delete(_ place: Int) throws(Wrong) {
        let old = values[place]
        let key = keys[old.key]
        let version: UInt64?
        do throws(StoreError) {
            version = try segment.writing { (store) throws(StoreError) in
                try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in try unsafe store.delete(key) }
            }
        } catch {
            throw Wrong(description: "a delete failed: \(error)")
        }
        guard version != nil else { throw Wrong(description: "key \(old.key) was gone before it was deleted") }
        values.swapAt(place, values.count - 1)
        values.removeLast()
        unusedKeys.append(old.key)
        usedGranuleCount -= granules(of: old)
    }

    /// Sets a key to a value of a random size; nil: it was refused for want of room.
    private func set(_ key: Int) throws(Wrong) -> Value? {
        let byteCount = drawnByteCount()
        let start = drawn(below: noise.count - byteCount) & ~7
        let keyBytes = keys[key]
        let noise = noise
        do throws(StoreError) {
            let version = try segment.writing { (store) throws(StoreError) in
                try unsafe keyBytes.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                    try unsafe noise.span.bytes.withUnsafeBytes { (noise) throws(StoreError) in
                        let value = unsafe UnsafeRawBufferPointer(rebasing: noise[start..<start + byteCount])
                        return try unsafe store.set(key, to: value, at: 1)
                    }
                }
            }
            setByteCount += byteCount
            return Value(key: key, byteCount: byteCount, start: start, version: version)
        } catch {
            guard case .full(let needed, _) = error else { throw Wrong(description: "a set failed: \(error)") }
            fullCount += 1
            if segment.store.freeGranuleCount * 64 >= needed + needed / 4 { refusedCount += 1 }
            return nil
        }
    }

    private func compare(_ value: Value) throws(Wrong) {
        let store = segment.store
        let found: ValueInfo?
        do throws(StoreError) {
            let key = keys[value.key]
            found = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.get(key, into: buffer)
            }
        } catch {
            throw Wrong(description: "a get failed: \(error)")
        }
        guard let found, found.byteCount == value.byteCount, found.version == value.version else {
            throw Wrong(description: "key \(value.key): what was set last isn't found")
        }
        let isSame = unsafe noise.withUnsafeBytes { noise in
            guard let read = unsafe buffer.baseAddress, let written = noise.baseAddress else { return false }
            return unsafe memcmp(read, written + value.start, value.byteCount) == 0
        }
        guard isSame else { throw Wrong(description: "key \(value.key): other bytes than were set") }
    }

    private func granules(of value: Value) -> Int {
        Geometry.granules(keyByteCount: keys[value.key].count, valueByteCount: value.byteCount)
    }
}
