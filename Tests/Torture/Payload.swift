internal import CXXHash
internal import TestSupport

/// Values that carry their own checksum: {XXH3 of the rest, key number, random bytes}, 16 bytes to 64 KiB.
enum Payload {
    static let maximumByteCount = 64 << 10
    private static let headByteCount = 16

    /// A length, log-uniform between 16 bytes and 64 KiB.
    static func byteCount(drawnFrom random: inout SplitMix) -> Int {
        let power = Int(random.next() % 12)
        let least = headByteCount << power
        return least + Int(random.next() % UInt64(least + 1))
    }

    /// Random bytes to cut values from: cheap enough that a debug build spends its time in the store.
    struct Noise {
        private let bytes: [UInt8]

        init(seed: UInt64) {
            var random = SplitMix(seed: seed)
            bytes = (0..<2 * maximumByteCount).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        }

        /// Writes a value of `byteCount` bytes to the start of `buffer`.
        func fill(_ buffer: inout [UInt8], byteCount: Int, key: Int, drawnFrom random: inout SplitMix) {
            let start = Int(random.next() % UInt64(maximumByteCount))
            unsafe buffer.withUnsafeMutableBytes { target in
                unsafe bytes.withUnsafeBytes { source in
                    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<start + byteCount]))
                }
                unsafe target.storeBytes(of: UInt64(key), toByteOffset: 8, as: UInt64.self)
                let sum = unsafe checksum(UnsafeRawBufferPointer(rebasing: target[8..<byteCount]))
                unsafe target.storeBytes(of: sum, toByteOffset: 0, as: UInt64.self)
            }
        }
    }

    /// What is wrong with the first `byteCount` bytes of `buffer` as a value of `key`; nil: nothing.
    static func fault(in buffer: [UInt8], byteCount: Int, key: Int) -> String? {
        guard byteCount >= headByteCount, byteCount <= maximumByteCount else { return "it has \(byteCount) bytes" }
        return unsafe buffer.withUnsafeBytes { bytes in
            let sum = unsafe checksum(UnsafeRawBufferPointer(rebasing: bytes[8..<byteCount]))
            guard unsafe bytes.load(as: UInt64.self) == sum else { return "torn: its checksum differs" }
            let owner = unsafe bytes.load(fromByteOffset: 8, as: UInt64.self)
            return owner == UInt64(key) ? nil : "it is the value of key \(owner)"
        }
    }

    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        unsafe sharedmem_xxh3(bytes.baseAddress, bytes.count, 0)
    }
}
