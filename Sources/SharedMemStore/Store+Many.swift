internal import CSharedMem
internal import Synchronization

// Reading many keys as of one moment. That moment is a commit number c that was loaded first: a version up to c is the
// one that counted at c, because versions are published in their order. A newer one, or a deletion that is newer, means
// that the key has changed since: the caller begins again with a newer c.
//
// One change may be visible and not committed: the set or deletion of one key, whose version is c + 1 while the commit
// number is still c. It counts as done, so that a writer who is stopped there keeps nobody waiting; since it changes
// this one key, all other keys are the same before and after. A transaction isn't visible before it is committed.

/// What a read of a key as of a commit number found.
package enum Sighting {
    /// The value at that moment; `isCommitted` is false for one that is being committed just now.
    case found(ValueInfo, isCommitted: Bool)
    /// There was no such key.
    case absent(isCommitted: Bool)
    /// The key has changed since, or its stripe: again, with a newer commit number.
    case changed
}

extension Store {
    /// Reads the value that `key` had at the commit number `moment`, which was loaded before, into `buffer`.
    ///
    /// Copies nothing if `buffer` has fewer bytes than the value. Costs what a get costs.
    ///
    /// Model: `many.pml`.
    package func sight(
        _ key: UnsafeRawBufferPointer, _ hash: KeyHash, asOf moment: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Sighting {
        let info = unsafe try find(key, hash, attempts: Self.readLimit, into: buffer)
        if let info, info.version <= moment || has(.momentIgnored) { return .found(info, isCommitted: true) }
        // SYNC: who found the slot empty sees at least the version of that deletion; pairs with `noteDeletion(_:_:)`.
        let changedAt = info?.version ?? data.loadAcquiring(lastDeletionOffset(hash))
        if changedAt <= moment || has(.momentIgnored) { return .absent(isCommitted: true) }
        // SYNC: orders what was read before the commit number; a commit in between is seen.
        atomicMemoryFence(ordering: .acquiring)
        guard changedAt == moment &+ 1, commitNumber == moment else { return .changed }
        guard let info else { return .absent(isCommitted: false) }
        return .found(info, isCommitted: false)
    }

    /// The commit number of now: every version up to it is visible to what is read afterwards.
    package var moment: UInt64 {
        // SYNC: pairs with the releasing stores of the commit number.
        data.loadAcquiring(Int(sharedmem_at_commit_number))
    }

    /// Brings the bucket of a key's home nearer; changes nothing.
    @inlinable @inline(__always)
    package func prefetchBucket(_ hash: KeyHash) {
        data.prefetch(bucketOffset(hash.home(among: geometry.homeBucketCount)))
    }

    /// Brings the record that most probably is the key's nearer, once its bucket is near; changes nothing.
    ///
    /// Whatever the bucket says: a wrong place is not read.
    @inlinable @inline(__always)
    package func prefetchRecord(_ hash: KeyHash) {
        guard let slot = firstSlot(hash) else {
            data.prefetch(bucketOffset(hash.home(among: geometry.homeBucketCount) &+ 1))
            return
        }
        let start = Reference(bits: data.load(slot)).block.offset
        data.prefetch(start)
        data.prefetch(start &+ 64)
    }
}
