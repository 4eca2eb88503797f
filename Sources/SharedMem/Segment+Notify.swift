internal import SharedMemStore

// Waking: the store says who may sleep, the system calls are here. A change that nobody watches comes here not at all.

extension Segment {
    /// Wakes who waits for the lock word that a plain set gave back, and for what it has set.
    @inline(never)
    func wake(_ plain: PlainSet, _ key: RawSpan, _ view: UnsafePointer<AttachedStore.View>) {
        if plain.audience.contains(.writers) { finish(.withWaiters) }
        guard plain.audience.contains(.watchers), plain.version != 0 else { return }
        let stripe = unsafe key.withUnsafeBytes { unsafe view.pointee.store.stripeBit(of: $0) }
        unsafe wakeWatchers(stripe, plain.version, view)
    }

    /// Wakes who watches what was changed at `version`; only behind an unlock that wasn't lost.
    ///
    /// Model: `watch.pml`.
    @inline(never)
    func wakeWatchers(_ stripes: UInt64, _ version: UInt64, _ view: UnsafePointer<AttachedStore.View>) {
        let words = unsafe view.pointee.store.notify(stripes: stripes, version: version)
        guard !words.isEmpty, let attachment = unsafe attachment(of: view) else { return }
        words.forEach { attachment.wakeWatchers(of: $0) }
    }
}
