internal import CSharedMem
internal import Synchronization

// Telling watchers. A writer whose change is visible and who has given the lock word back looks at one line, which the
// daemon writes: does anybody watch? If so it moves the notify words of what it has changed, and its caller wakes who
// sleeps there. While somebody watches a prefix or everything, it has noted the change in the ring before, under the
// lock. Model: `watch.pml`.

extension Store {
    /// Whether anybody watches anything: asked behind `unlock()`.
    ///
    /// Model: `watch.pml`.
    @inline(__always)
    package var isWatched: Bool {
        #if !arch(x86_64)
            // SYNC: orders the change before the flags; pairs with `setWatched(_:)`. On x86 the unlock has done so.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
        #endif
        return isRingWatched || data.load(Int(sharedmem_at_watched_stripes)) != 0
    }

    /// Whether somebody watches a prefix or everything: then changes go into the ring.
    @inline(__always)
    var isRingWatched: Bool { data.load32(Int(sharedmem_at_watched)) != 0 }

    /// The watch stripe of a key, as a bit.
    package func stripeBit(of key: UnsafeRawBufferPointer) -> UInt64 {
        1 << UInt64(unsafe KeyHash(key, seed: geometry.hashSeed).stripe)
    }

    /// Moves the watched ones among the notify words of what was changed at `version`, and returns them: the caller wakes
    /// everybody who sleeps there.
    ///
    /// Only behind `unlock()`, and if it wasn't lost.
    ///
    /// Model: `watch.pml`.
    package func notify(stripes: UInt64, version: UInt64) -> NotifyWords {
        let isRingWatched = isRingWatched
        // SYNC: who sees a newer change in the ring sees its gap, too; pairs with `noteInRing(_:_:_:)`.
        if isRingWatched, data.loadAcquiring(Int(sharedmem_at_ring_version)) < version { noteGap(version) }
        let words = NotifyWords(
            stripes: data.load(Int(sharedmem_at_watched_stripes)) & stripes, segment: isRingWatched)
        return move(words)
    }

    /// Moves notify words and returns them.
    private func move(_ words: NotifyWords) -> NotifyWords {
        if has(.wakeLeftOut) { return NotifyWords() }
        // SYNC: the change and the gap are visible to who sees the word moved; pairs with `notifyWord(_:)`.
        words.forEach { data.addReleasing32(1, NotifyWords.offset(of: $0)) }
        return words
    }

    /// Says that the ring may lack changes up to `version`.
    func noteGap(_ version: UInt64) { data.raiseReleasing(to: version, Int(sharedmem_at_ring_gap)) }
}

// MARK: - The ring

extension Store {
    /// Notes a change in the ring if somebody watches a prefix or everything; only for the lock holder, behind the
    /// change's commit number.
    ///
    /// Model: `watch.pml`.
    @inline(__always)
    func noteInRing(_ version: UInt64, _ key: UnsafeRawBufferPointer, isDeletion: Bool = false) {
        if isRingWatched { unsafe writeRing(version, key, isDeletion: isDeletion, more: 0) }
    }

    /// The same for a change of many keys: whether they are noted is decided once, or the ring would have the last of them
    /// and lack the first.
    ///
    /// Model: `watch.pml`.
    func noteInRing(_ version: UInt64, _ writes: [TransactionWrite]) {
        guard isRingWatched else { return }
        var more = writes.count
        for write in writes {
            more -= 1
            unsafe write.key.span.bytes.withUnsafeBytes { key in
                unsafe writeRing(version, key, isDeletion: write.value == nil, more: more)
            }
        }
    }

    /// Writes the ring's next entry.
    ///
    /// Models: `ring.pml` and `watch.pml`.
    @inline(never)
    private func writeRing(_ version: UInt64, _ key: UnsafeRawBufferPointer, isDeletion: Bool, more: Int) {
        // A plain set believes the old record's length, which a hostile writer may have changed.
        guard key.count <= Record.keyLimit, !has(.ringLeftOut) else { return }
        let newest = data.load(Int(sharedmem_at_ring_version))
        // Changes before this one, made while nobody watched, or by a writer who saw the flag too late.
        if newest != version, newest &+ 1 != version { noteGap(version &- 1) }
        let position = data.load(Int(sharedmem_at_ring_position))
        let offset = ringEntryOffset(position)
        // SYNC: orders the position that counts the entry before this one before the first byte that is stored here; pairs
        // with the acquiring fence in `nextEntry(after:into:)`.
        atomicMemoryFence(ordering: .releasing)
        data.store(version, offset)
        let kind = isDeletion ? SHAREDMEM_CHANGE_DELETED : SHAREDMEM_CHANGE_SET
        data.store(UInt64(kind) | UInt64(key.count) << 32, offset &+ 8)
        if let bytes = key.baseAddress {
            unsafe data.copyIn(bytes, count: key.count, offset &+ Int(sharedmem_change_key))
        }
        data.store(UInt64(truncatingIfNeeded: more), offset &+ Int(sharedmem_change_more))
        // SYNC: a gap is visible with it; pairs with `notify(stripes:version:)`.
        data.storeReleasing(version, Int(sharedmem_at_ring_version))
        // SYNC: publishes the entry; pairs with `nextEntry(after:into:)`.
        data.storeReleasing(position &+ 1, Int(sharedmem_at_ring_position))
    }

    /// Where the entry with this number stands.
    func ringEntryOffset(_ number: UInt64) -> Int {
        geometry.ringOffset &+ Int(number % UInt64(ringLength)) &* Int(SHAREDMEM_RING_ENTRY_BYTES)
    }

    /// How many entries the ring has.
    var ringLength: Int { geometry.ringByteCount / Int(SHAREDMEM_RING_ENTRY_BYTES) }
}

// MARK: - For the daemon

extension Store {
    /// What is watched, as the header says.
    package var watched: NotifyWords {
        NotifyWords(stripes: data.load(Int(sharedmem_at_watched_stripes)), segment: isRingWatched)
    }

    /// Says what is watched.
    ///
    /// When it has returned, no change that its writer makes visible later goes unnoticed, and who asked may look at the
    /// values.
    ///
    /// Model: `watch.pml`.
    package func setWatched(_ words: NotifyWords) {
        data.store32(words.segment ? 1 : 0, Int(sharedmem_at_watched))
        data.store(words.stripes, Int(sharedmem_at_watched_stripes))
        // SYNC: orders the flags before what the watcher looks at, which is told by a message; pairs with `isWatched`.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    /// Moves the notify words of all that is watched, or of everything, and says what the ring may lack.
    ///
    /// For a writer that died, whose wake-up died with it, and for the end of a generation. The caller wakes everybody who
    /// sleeps on the words that it returns.
    ///
    /// Model: `watch.pml`.
    package func notify(everything: Bool) -> NotifyWords {
        let words = everything ? .all : watched
        let committed = moment
        // What the ring doesn't know yet is the dead writer's, or is just being noted. SYNC: as in
        // `notify(stripes:version:)`.
        if words.segment, data.loadAcquiring(Int(sharedmem_at_ring_version)) < committed { noteGap(committed) }
        return move(words)
    }
}
