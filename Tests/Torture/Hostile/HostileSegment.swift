internal import CSharedMem
internal import CXXHash
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// A generation between guards, and the states that its corruption begins with.
final class HostileSegment {
    let geometry: Geometry
    let data: GuardedFile
    let lock: GuardedFile
    /// What a fault needs to get past the store's own assertions, in bytes.
    private let slack: Int
    private var images: [Image] = []

    /// Both files at one moment.
    struct Image {
        let data: [UInt8]
        let lock: [UInt8]
    }

    /// The keys of all operations: among them the empty one, the longest one and those that end at a word.
    static let keys: [[UInt8]] =
        [[], [UInt8](repeating: 7, count: 512), Array("12345678".utf8)] + (0..<13).map { Array("key-\($0)".utf8) }

    /// Makes `imageCount` states of a generation by random sets and deletes; the first is an empty segment.
    init(_ geometry: Geometry, imageCount: Int, seed: UInt64, slack: Int) throws {
        self.geometry = geometry
        self.slack = slack
        data = try GuardedFile(byteCount: geometry.dataByteCount)
        // The bitmap of edges ends with the file, not somewhere in its last page.
        let lockByteCount = geometry.edgesOffset + (geometry.heapGranuleCount + 511) / 512 * 64
        lock = try GuardedFile(byteCount: lockByteCount)
        for number in 0..<imageCount {
            try make(seed: seed &+ UInt64(number), operationCount: number * 25)
            images.append(Image(data: data.contents, lock: lock.contents))
        }
    }

    private func make(seed: UInt64, operationCount: Int) throws {
        data.restore([UInt8](repeating: 0, count: data.byteCount), 0..<data.byteCount)
        lock.restore([UInt8](repeating: 0, count: lock.byteCount), 0..<lock.byteCount)
        let identity = Geometry.Identity(segmentID: 7, generation: 1, hashSeed: 0x5eed, createdAt: 1)
        unsafe Store.format(geometry, identity: identity, data: data.start(), lock: lock.start())
        data.bytes().store(UInt64(lock.byteCount), Int(sharedmem_at_lock_byte_count))
        lock.bytes().store(UInt64(lock.byteCount), Int(sharedmem_lock_at_lock_byte_count))
        sign()
        let store = try writer()
        var random = SplitMix(seed: seed)
        for _ in 0..<operationCount {
            let key = Self.keys[Int(random.next() % UInt64(Self.keys.count))]
            let value = [UInt8](repeating: 1, count: Int(random.next() % (16 << (random.next() % 7))))
            do throws(StoreError) {
                try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                    if random.next() % 4 == 0 {
                        _ = unsafe try store.delete(key)
                    } else {
                        _ = try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                            try unsafe store.set(key, to: value, at: 1)
                        }
                    }
                }
            } catch {
                // A small heap fills up: that is one of the states.
                switch error {
                case .full, .valueTooLarge, .indexFull: break
                default: throw error
                }
            }
        }
        _ = try store.audit()
    }

    /// The state that a number stands for.
    func image(_ number: UInt64) -> Image { images[Int(number % UInt64(images.count))] }

    /// Brings both files into a state.
    func restore(_ image: Image) {
        data.restore(image.data, 0..<data.byteCount)
        lock.restore(image.lock, 0..<lock.byteCount)
    }

    /// Attaches for writing.
    func writer() throws(StoreError) -> Store {
        try Store(data: data.bytes(slack: slack), lock: lock.bytes(slack: slack), session: 1)
    }

    /// Attaches for reading, through a mapping that can't be stored to.
    func reader() throws(StoreError) -> Store { try Store(readOnly: data.bytes(isWritable: false, slack: slack)) }

    /// Makes the checksums of both headers right for what they hold now.
    func sign() {
        for (file, end) in [(data, Int(sharedmem_at_checksum)), (lock, Int(sharedmem_lock_at_checksum))] {
            file.bytes().store(unsafe sharedmem_xxh3(file.start(), end, 0), end)
        }
    }

    /// What no operation ever stores to: both headers' immutable parts with the state.
    var headers: [UInt8] {
        unsafe [UInt8](data.suffix(data.byteCount)[..<Int(sharedmem_at_reuse_epoch)])
            + [UInt8](lock.suffix(lock.byteCount)[..<Int(sharedmem_lock_at_lock_word)])
    }

    /// Whether writers note changes in the ring.
    var isWatched: Bool { data.bytes().load32(Int(sharedmem_at_watched)) != 0 }

    /// The change ring, where a header that is honest says it is.
    var ring: [UInt8] {
        unsafe [UInt8](
            data.suffix(data.byteCount)[geometry.ringOffset..<geometry.ringOffset + geometry.ringByteCount])
    }
}
