/// The 64-bit hash of a key, with the segment's seed, as `sharedmem_layout.h` has it.
///
/// Two multiplications for up to 16 bytes. Every product has the seed in both factors or in one that depends on it, so
/// that who chooses keys without knowing the seed can't make one of them zero. Each factor has a constant of its own,
/// too: with the seed alone as one of them, 0 would give all short keys one hash, and small seeds would be weak.
@usableFromInline
package struct KeyHash: Equatable, Sendable {
    /// The hash.
    @usableFromInline
    package let bits: UInt64

    @inlinable @inline(__always)
    init(bits: UInt64) { self.bits = bits }

    /// Hashes `key`.
    @inlinable @inline(__always)
    package init(_ key: UnsafeRawBufferPointer, seed: UInt64) {
        guard let start = key.baseAddress else {
            self.init(bits: Self.finished(0, 0, seed ^ Self.first, seed ^ Self.third, byteCount: 0))
            return
        }
        unsafe self.init(start, byteCount: key.count, seed: seed)
    }

    /// Hashes the `byteCount` bytes at `key`.
    @inlinable @inline(__always)
    init(_ key: UnsafeRawPointer, byteCount: Int, seed: UInt64) {
        let other = seed ^ Self.first
        if byteCount > 16 {
            unsafe self.init(bits: Self.long(key, byteCount, other, seed ^ Self.third))
        } else if let short = unsafe ShortKey(UnsafeRawBufferPointer(start: key, count: byteCount)) {
            self.init(short, seed: seed)
        } else {
            let word = unsafe PrivateBytes.lastWord(key, from: 0, to: byteCount)
            self.init(bits: Self.finished(word, 0, other, seed ^ Self.third, byteCount: byteCount))
        }
    }

    /// Hashes 9 to 16 bytes.
    @inlinable @inline(__always)
    init(_ key: ShortKey, seed: UInt64) {
        bits = Self.finished(key.low, key.high, seed ^ Self.first, seed ^ Self.third, byteCount: key.byteCount)
    }

    /// Hashes more than 16 bytes, 16 at a time.
    @usableFromInline @inline(never)
    static func long(_ key: UnsafeRawPointer, _ byteCount: Int, _ other: UInt64, _ first: UInt64) -> UInt64 {
        var state = first
        var position = 0
        while byteCount &- position > 16 {
            let low = unsafe key.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let high = unsafe key.loadUnaligned(fromByteOffset: position &+ 8, as: UInt64.self)
            state = folded(low ^ other, high ^ state)
            position &+= 16
        }
        let low = unsafe key.loadUnaligned(fromByteOffset: byteCount &- 16, as: UInt64.self)
        let high = unsafe key.loadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self)
        return finished(low, high, other, state, byteCount: byteCount)
    }

    /// The hash of the last 16 bytes and of the state that those before them left.
    @inlinable @inline(__always)
    static func finished(
        _ low: UInt64, _ high: UInt64, _ other: UInt64, _ state: UInt64, byteCount: Int
    ) -> UInt64 {
        folded(folded(low ^ other, high ^ state) ^ UInt64(truncatingIfNeeded: byteCount), second)
    }

    /// The product's two halves in one word.
    @inlinable @inline(__always)
    static func folded(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// Distinguishes the factors: the first 64 bits of pi's fraction.
    @inlinable
    static var first: UInt64 { 0x243f_6a88_85a3_08d3 }

    /// The same for the other factor: the 64 bits behind them.
    @inlinable
    static var third: UInt64 { 0x1319_8a2e_0370_7344 }

    /// An odd factor: the golden ratio's fraction.
    @inlinable
    static var second: UInt64 { 0x9e37_79b9_7f4a_7c15 }

    /// The key's home bucket among `homeBucketCount`: the high bits, scaled.
    ///
    /// Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29, 2019.
    @inlinable @inline(__always)
    func home(among homeBucketCount: Int) -> Int {
        Int(truncatingIfNeeded: bits.multipliedFullWidth(by: UInt64(truncatingIfNeeded: homeBucketCount)).high)
    }

    /// The byte that a bucket keeps of the key.
    @inlinable @inline(__always)
    var tag: UInt64 { bits & 0xff }

    /// The key's watch stripe.
    @inlinable @inline(__always)
    package var stripe: Int { Int(truncatingIfNeeded: bits >> 8 & 63) }
}
