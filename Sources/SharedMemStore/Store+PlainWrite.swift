internal import CSharedMem

// The common case of a set, in one call: the lock word is free, the key exists where it is looked for first. A key that
// doesn't is set by `Store+Write` under the same lock. The steps are the same functions as there; only what leads
// to them is shorter, and the store is reached through a pointer, as in `Store+PlainRead`. Model: `write.pml`.

/// What a plain set did.
package struct PlainSet: Sendable {
    /// The version; 0: nothing was set this way.
    package let version: UInt64
    /// Where the key stands; 0 beside a version: the lock was lost, and the change may not count.
    package let slotOffset: Int
    /// Whether the lock word was given back to somebody who waits, and has to be woken.
    package let hasWaiters: Bool
}

extension Store {
    /// Sets `key` to `value` if the lock word is free; `hint` is the slot where the key stood before, 0 if that isn't
    /// known.
    ///
    /// Only in a writable store. A set that fails has changed nothing: the general way says why.
    @unsafe
    package static func plainSet(
        _ store: UnsafePointer<Store>, _ key: UnsafeRawBufferPointer, hint: Int, to value: UnsafeRawBufferPointer,
        type: UInt8, at time: UInt64
    ) -> PlainSet {
        guard unsafe !store.pointee.has(.lockLeftOut), unsafe store.pointee.tryLock(at: time) == 0 else {
            return PlainSet(version: 0, slotOffset: 0, hasWaiters: false)
        }
        var options = SetOptions()
        options.type = type
        var version: UInt64 = 0
        var slot = 0
        do throws(StoreError) {
            if unsafe store.pointee.isLive, unsafe store.pointee.isSettled {
                if let old = try unsafe store.pointee.plainPosition(of: key, hint: hint) {
                    let extent = try unsafe store.pointee.extent(keyByteCount: key.count, valueByteCount: value.count)
                    slot = old.slotOffset
                    version = try unsafe store.pointee.replace(old, slot, extent, key, with: value, at: time, options)
                } else {
                    version = try unsafe store.pointee.set(
                        key, to: value, at: time, options, hint: &slot, bootTime: { 0 })
                }
            }
        } catch {
            version = 0
        }
        switch unsafe store.pointee.unlock() {
        case .quietly: return PlainSet(version: version, slotOffset: slot, hasWaiters: false)
        case .withWaiters: return PlainSet(version: version, slotOffset: slot, hasWaiters: true)
        case .lost: return PlainSet(version: version, slotOffset: 0, hasWaiters: false)
        }
    }

    /// Looks where the key stood, or in the first slot that has its tag.
    @inline(__always)
    private func plainPosition(of key: UnsafeRawBufferPointer, hint: Int) throws(StoreError) -> Position? {
        if hint != 0 { return try unsafe position(of: key, atSlot: hint) }
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        let bucket = bucketOffset(hash.home(among: geometry.homeBucketCount))
        let matches = tags(ofBucketAt: bucket).matches(hash.tag)
        if matches == 0 { return nil }
        return try unsafe position(of: key, atSlot: bucket &+ (matches.trailingZeroBitCount & ~7))
    }
}
