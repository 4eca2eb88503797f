internal import SharedMemStore
internal import Synchronization

/// What one worker did in one round, in shared memory that outlives the worker.
///
/// The worker notes an operation before it begins and again when it has ended, so that a kill leaves at most one that has
/// begun and not ended. Read by the parent while the worker pauses or is dead.
struct OperationLog {
    /// Operations that a worker can do in one round.
    static let capacity = 16384
    private static let headByteCount = 512
    private static let entryByteCount = 64
    /// Bytes of one log.
    static let byteCount = headByteCount + capacity * entryByteCount

    // The head: the round in the high half and the number of operations in the low half, the round that the worker has
    // arrived in, the bytes of a sentence, and the sentence.
    private static let headOffset = 0
    private static let arrivalOffset = 8
    private static let textLengthOffset = 16
    private static let textOffset = 24

    private let bytes: SharedBytes
    private let start: Int

    /// The log at `start`, a multiple of 64, in `bytes`.
    init(at start: Int, in bytes: SharedBytes) {
        self.bytes = bytes
        self.start = start
    }

    /// What a worker can do.
    enum Kind: UInt64 {
        case set, delete, get
    }

    /// An operation as it is noted.
    struct Entry {
        var kind: Kind
        var key: Int
        /// Set or read; 0: the key was not there.
        var value: UInt64
        /// Of the change or of what was read; 0: none, or not known.
        var version: UInt64 = 0
        var invoked: UInt64
        /// 0: it didn't end.
        var returned: UInt64 = 0
    }
}

// MARK: - The worker's side

extension OperationLog {
    /// Begins the log of a round.
    func begin(round: UInt32) { bytes.storeReleasing(UInt64(round) << 32, start) }

    /// Notes an operation that begins now; nil: the log is full.
    func invoke(_ entry: Entry) -> Int? {
        let head = bytes.load(start)
        let index = Int(head & 0xffff_ffff)
        guard index < Self.capacity else { return nil }
        let place = offset(index)
        bytes.store(entry.invoked, place)
        bytes.store(0, place + 8)
        bytes.store(entry.kind.rawValue << 32 | UInt64(entry.key), place + 16)
        bytes.store(entry.value, place + 24)
        bytes.store(0, place + 32)
        bytes.storeReleasing(head + 1, start)
        // SYNC: the time was read before anything that the operation loads, or its result could be older than the time
        // says; the fence waits for the store of the time.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return index
    }

    /// Notes that an operation has ended.
    func acknowledge(_ index: Int, value: UInt64, version: UInt64, at time: UInt64) {
        let place = offset(index)
        bytes.store(value, place + 24)
        bytes.store(version, place + 32)
        bytes.storeReleasing(time, place + 8)
    }

    /// Says what the worker has seen that must never be seen.
    func note(_ wrong: Wrong) {
        let text = Array(wrong.description.utf8.prefix(Self.headByteCount - Self.textOffset))
        unsafe text.withUnsafeBytes { text in
            if let start = text.baseAddress {
                unsafe bytes.copyIn(start, count: text.count, self.start + Self.textOffset)
            }
        }
        bytes.storeReleasing(UInt64(text.count), start + Self.textLengthOffset)
    }

    /// Says that the worker goes by `round`: it works if that is odd, and does nothing until it is over if it is even.
    func arrive(in round: UInt32) { bytes.storeReleasing32(round, arrivalPlace) }

    private func offset(_ index: Int) -> Int { start + Self.headByteCount + index * Self.entryByteCount }
}

// MARK: - The parent's side

extension OperationLog {
    /// Forgets what an earlier worker has left.
    func clear() {
        bytes.store(0, start)
        bytes.store32(0, arrivalPlace)
        bytes.store(0, start + Self.textLengthOffset)
    }

    /// The round that the worker has arrived in.
    var arrivedRound: UInt32 { bytes.load32(arrivalPlace) }

    /// Where in the memory the worker says which round that is, for the futex.
    var arrivalPlace: Int { start + Self.arrivalOffset }

    /// What the worker has said that it saw; nil: nothing wrong.
    var complaint: String? {
        let count = Int(bytes.loadAcquiring(start + Self.textLengthOffset))
        guard count > 0, count <= Self.headByteCount - Self.textOffset else { return nil }
        var text = [UInt8](repeating: 0, count: count)
        unsafe text.withUnsafeMutableBytes { text in
            if let target = text.baseAddress {
                unsafe bytes.copyOut(start + Self.textOffset, to: target, count: count)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The operations of a round.
    func entries(of round: UInt32) -> [Entry] {
        let head = bytes.loadAcquiring(start)
        guard head >> 32 == UInt64(round) else { return [] }
        return (0..<min(Int(head & 0xffff_ffff), Self.capacity)).compactMap { index in
            let place = offset(index)
            let returned = bytes.loadAcquiring(place + 8)
            let what = bytes.load(place + 16)
            guard let kind = Kind(rawValue: what >> 32) else { return nil }
            return Entry(
                kind: kind, key: Int(what & 0xffff_ffff), value: bytes.load(place + 24),
                version: bytes.load(place + 32), invoked: bytes.load(place), returned: returned)
        }
    }
}
