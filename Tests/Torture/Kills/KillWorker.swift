internal import Glibc
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// What a writer or a reader does until it is killed, in a process of its own.
struct KillWorker {
    private let board: Board
    private let log: OperationLog
    private let fault: KillsFault?
    private let noise: Payload.Noise
    private let parent: pid_t
    private let attachment: Attachment
    private let session: UInt32
    private var random: SplitMix
    private var round: UInt32?
    private var isLogFull = false
    private var sequence: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: Payload.maximumByteCount)

    /// What a worker may do with the segment.
    enum Attachment {
        case writer(WritableAttachment)
        case reader(ReadOnlyAttachment)
    }

    /// The keys: few, so that everybody meets at them, and of all lengths.
    static let keys: [[UInt8]] = [0, 1, 8, 17, 63, 200, 512].enumerated().map { index, length in
        [UInt8](repeating: UInt8(index), count: length)
    }

    /// A worker whose session, or number if it is a reader, is `session`, and no other worker's.
    init(
        _ attachment: Attachment, session: UInt32, board: Board, log: OperationLog, noise: Payload.Noise, seed: UInt64,
        fault: KillsFault?, parent: pid_t
    ) {
        self.board = board
        self.log = log
        self.fault = fault
        self.noise = noise
        self.parent = parent
        self.attachment = attachment
        self.session = session
        random = SplitMix(seed: seed ^ UInt64(session) &* 0x1_0001)
    }

    /// Works until something is wrong or the parent is gone; returns the exit code.
    mutating func run() -> Int32 {
        do throws(Wrong) {
            while true {
                let now = board.round
                if now != round { begin(now) }
                if now % 2 == 0 || isLogFull && isWriter {
                    board.wait(while: now)
                    if getppid() != parent { return 0 }
                } else {
                    try step()
                }
            }
        } catch {
            log.note(error)
            return 1
        }
    }

    private mutating func begin(_ now: UInt32) {
        round = now
        isLogFull = false
        if now % 2 != 0 { log.begin(round: now) }
        board.arrive(log, in: now)
    }

    private var isWriter: Bool { if case .writer = attachment { true } else { false } }

    private mutating func step() throws(Wrong) {
        let key = Int(random.next() % UInt64(Self.keys.count))
        let draw = random.next() % 64
        switch attachment {
        case .reader(let attachment):
            // A history stays one if gets are left out of it: with all of them the log would be full at once.
            if draw % 8 == 0, !isLogFull {
                try get(key, attachment.store)
            } else if let value = try Self.value(of: key, attachment.store, &buffer) {
                _ = try Self.number(of: key, value.byteCount, buffer)
            }
        case .writer(let attachment):
            switch draw {
            case 0..<8: try get(key, attachment.store)
            case 8..<20: try delete(key, attachment)
            case 20..<30: try transact(key, attachment)
            default: try set(key, attachment)
            }
        }
        // With more workers than processors they would else alternate by the scheduler's slices alone. A writer never
        // yields: it would do so without the lock, and a kill shall find it in the middle of a change.
        if !isWriter, random.next() % 4 == 0 { sched_yield() }
    }

    /// Notes that an operation begins; nil: the log is full.
    private mutating func invoke(_ kind: OperationLog.Kind, _ key: Int, value: UInt64 = 0) -> Int? {
        let entry = OperationLog.Entry(kind: kind, key: key, value: value, invoked: SystemClock.monotonic())
        guard let index = log.invoke(entry) else {
            isLogFull = true
            return nil
        }
        return index
    }
}

// MARK: - Operations

extension KillWorker {
    /// Fills `buffer` with a value; its number is unique, and above the lowest byte it is this change's.
    private mutating func makeValue(of key: Int) -> (number: UInt64, byteCount: Int) {
        // Most of them small, or nearly all of the time under the lock would go by with copying.
        let longest = random.next() % 8 == 0 ? Payload.maximumByteCount : 512
        let byteCount = min(Payload.byteCount(drawnFrom: &random), longest)
        let number = UInt64(session) << 32 | sequence << 8 | UInt64(key)
        noise.fill(&buffer, byteCount: byteCount, key: Int(number), drawnFrom: &random)
        return (number, byteCount)
    }

    private mutating func set(_ key: Int, _ attachment: WritableAttachment) throws(Wrong) {
        sequence += 1
        let (value, byteCount) = makeValue(of: key)
        guard let entry = invoke(.set, key, value: value) else { return }
        if fault == .acknowledgement {
            log.acknowledge(entry, value: value, version: 0, at: SystemClock.monotonic())
        }
        let buffer = buffer
        let key = Self.keys[key]
        // The short way first, as users have it.
        var version = unsafe attachment.plainSet(key, to: buffer.span.bytes.extracting(0..<byteCount))
        if version == 0 {
            version = try attachment.writing { (store, time) throws(StoreError) in
                try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                    try unsafe buffer.span.bytes.extracting(0..<byteCount).withUnsafeBytes {
                        (bytes) throws(StoreError) in
                        try unsafe store.set(key, to: bytes, at: time)
                    }
                }
            }
        }
        if fault != .acknowledgement {
            log.acknowledge(entry, value: value, version: version, at: SystemClock.monotonic())
        }
    }

    /// Sets two keys in one transaction.
    private mutating func transact(_ key: Int, _ attachment: WritableAttachment) throws(Wrong) {
        sequence += 1
        let other = (key + 1 + Int(random.next() % UInt64(Self.keys.count - 1))) % Self.keys.count
        var entries: [Int] = []
        var numbers: [UInt64] = []
        var writes: [TransactionWrite] = []
        for key in [key, other] {
            let (number, byteCount) = makeValue(of: key)
            guard let entry = invoke(.set, key, value: number) else { return }
            entries.append(entry)
            numbers.append(number)
            writes.append(TransactionWrite(key: Self.keys[key], value: Array(buffer[0..<byteCount])))
        }
        let parts = fault == .halves ? writes.map { [$0] } : [writes]
        let versions = try attachment.writing { (store, time) throws(StoreError) in
            var versions: [UInt64] = []
            for part in parts {
                versions.append(try store.commit(reads: [], writes: part, at: time, bootTime: { 0 }))
            }
            return versions
        }
        let end = SystemClock.monotonic()
        for (index, entry) in entries.enumerated() {
            log.acknowledge(entry, value: numbers[index], version: versions[index % versions.count], at: end)
        }
    }

    private mutating func delete(_ key: Int, _ attachment: WritableAttachment) throws(Wrong) {
        guard let entry = invoke(.delete, key) else { return }
        let key = Self.keys[key]
        let version = try attachment.writing { (store, _) throws(StoreError) in
            try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                try unsafe store.delete(key)
            }
        }
        log.acknowledge(entry, value: 0, version: version ?? 0, at: SystemClock.monotonic())
    }

    private mutating func get(_ key: Int, _ store: Store) throws(Wrong) {
        guard let entry = invoke(.get, key) else { return }
        let value = try Self.value(of: key, store, &buffer)
        let end = SystemClock.monotonic()
        let number = try value.map { (info) throws(Wrong) in try Self.number(of: key, info.byteCount, buffer) } ?? 0
        log.acknowledge(entry, value: number, version: value?.version ?? 0, at: end)
    }

    /// What was read of a value.
    struct Seen {
        /// Its bytes, in the buffer.
        let byteCount: Int
        /// Its version.
        let version: UInt64
    }

    /// Reads a key's value into `buffer`, in the short way first as users have it; nil: it isn't there.
    static func value(of key: Int, _ store: Store, _ buffer: inout [UInt8]) throws(Wrong) -> Seen? {
        let key = keys[key]
        do throws(StoreError) {
            return try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                var target = buffer.mutableSpan
                return try unsafe target.withUnsafeMutableBytes { (target) throws(StoreError) in
                    let plain = unsafe withUnsafePointer(to: store) { unsafe Store.plainGet($0, key, into: target) }
                    if plain.type >= 0 { return Seen(byteCount: plain.byteCount, version: plain.version) }
                    if plain.type == PlainValue.absent.type { return nil }
                    let info = try unsafe store.get(key, into: target)
                    return info.map { Seen(byteCount: $0.byteCount, version: $0.version) }
                }
            }
        } catch {
            throw Wrong(description: "a get failed: \(error)")
        }
    }

    /// The number of the value in the first `byteCount` bytes of `buffer`, which must be whole and one of `key`'s.
    static func number(of key: Int, _ byteCount: Int, _ buffer: [UInt8]) throws(Wrong) -> UInt64 {
        let number = unsafe buffer.withUnsafeBytes { unsafe $0.load(fromByteOffset: 8, as: UInt64.self) }
        if let fault = Payload.fault(in: buffer, byteCount: byteCount, key: Int(truncatingIfNeeded: number)) {
            throw Wrong(description: "a value of \(byteCount) bytes of key \(key): \(fault)")
        }
        guard number & 0xff == UInt64(key) else {
            throw Wrong(description: "key \(key) has the value of key \(number & 0xff)")
        }
        return number
    }
}
