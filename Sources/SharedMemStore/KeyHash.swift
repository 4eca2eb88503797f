internal import CXXHash

/// The 64-bit hash of a key: XXH3 with the segment's seed.
package struct KeyHash: Equatable, Sendable {
    /// The hash.
    package let bits: UInt64

    /// Hashes `key`.
    @inline(__always)
    package init(_ key: UnsafeRawBufferPointer, seed: UInt64) {
        bits = unsafe sharedmem_xxh3(key.baseAddress, key.count, seed)
    }

    /// The key's home bucket among `homeBucketCount`: the high bits, scaled.
    ///
    /// Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29, 2019.
    @inline(__always)
    func home(among homeBucketCount: Int) -> Int {
        Int(truncatingIfNeeded: bits.multipliedFullWidth(by: UInt64(truncatingIfNeeded: homeBucketCount)).high)
    }

    /// The byte that a bucket keeps of the key.
    @inline(__always)
    var tag: UInt64 { bits & 0xff }

    /// The key's watch stripe.
    @inline(__always)
    package var stripe: Int { Int(truncatingIfNeeded: bits >> 8 & 63) }
}
