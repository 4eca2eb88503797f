internal import SharedMem
internal import TestSupport

/// Something that must never be seen.
struct Wrong: Error {
    /// One sentence.
    let description: String
}

/// What one worker does and remembers.
struct Round {
    private let segment: Segment
    private let worker: Int
    private let keys: [[UInt8]]
    private let emptyKeys: [[UInt8]]
    private var random: SplitMix
    private let noise: Payload.Noise
    /// The newest version that this worker has seen of each key: a later get must never be older.
    private var seen: [UInt64]
    private var buffer = [UInt8](repeating: 0, count: Payload.maximumByteCount)
    /// Sets so far.
    private(set) var setCount = 0
    /// Gets so far.
    private(set) var getCount = 0

    init(segment: Segment, plan: Plan, worker: Int) {
        self.segment = segment
        self.worker = worker
        keys = (0..<plan.keys).map { Array("key-\($0)".utf8) }
        emptyKeys = (0..<16).map { Array("empty-\(worker)-\($0)".utf8) }
        seen = [UInt64](repeating: 0, count: plan.keys)
        random = SplitMix(seed: UInt64(worker) &* 0x1_0001 &+ 1)
        noise = Payload.Noise(seed: UInt64(worker))
    }

    /// One set or one get of a random key; one time in twenty an empty value on a key of this worker's own.
    mutating func step() throws(Wrong) {
        // Half of the work is on few keys, so that values are replaced while they are read.
        let range = random.next() % 2 == 0 ? min(16, keys.count) : keys.count
        let number = Int(random.next() % UInt64(range))
        switch random.next() % 20 {
        case 0: try checkEmpty()
        case 1...9: try set(number)
        default: try get(number)
        }
    }

    private mutating func set(_ number: Int) throws(Wrong) {
        let byteCount = Payload.byteCount(drawnFrom: &random)
        noise.fill(&buffer, byteCount: byteCount, key: number, drawnFrom: &random)
        let version: UInt64
        do throws(SharedMemError) {
            let key = keys[number]
            version = try unsafe segment.set(key.span.bytes, to: buffer.span.bytes.extracting(0..<byteCount))
        } catch {
            throw Wrong(description: "a set failed: \(error)")
        }
        guard version > seen[number] else {
            throw Wrong(description: "key \(number): version \(version) was issued after \(seen[number])")
        }
        seen[number] = version
        setCount += 1
    }

    private mutating func get(_ number: Int) throws(Wrong) {
        let value: ReadValue?
        do throws(SharedMemError) {
            let key = keys[number]
            let segment = segment
            var target = buffer.mutableSpan
            value = try unsafe target.withUnsafeMutableBytes { (bytes) throws(SharedMemError) in
                try unsafe segment.get(key.span.bytes, into: bytes)
            }
        } catch {
            throw Wrong(description: "a get failed: \(error)")
        }
        getCount += 1
        guard let value else {
            if seen[number] == 0 { return }
            throw Wrong(description: "key \(number) is gone, nobody deletes it")
        }
        if let fault = Payload.fault(in: buffer, byteCount: value.byteCount, key: number) {
            throw Wrong(description: "key \(number), version \(value.version): \(fault)")
        }
        guard value.version >= seen[number] else {
            throw Wrong(description: "key \(number): version \(value.version) was read after \(seen[number])")
        }
        seen[number] = value.version
    }

    private mutating func checkEmpty() throws(Wrong) {
        let key = emptyKeys[Int(random.next() % UInt64(emptyKeys.count))]
        let value: [UInt8]?
        do throws(SharedMemError) {
            try segment.set(key, to: [])
            value = try segment.get(key)
        } catch {
            throw Wrong(description: "an empty value failed: \(error)")
        }
        guard value == [] else {
            throw Wrong(description: "an empty value was read as \(value.map { "\($0.count) bytes" } ?? "nothing")")
        }
    }
}
