internal import CSharedMem
internal import Synchronization

// Watching. Nothing is stored here, so who may only read watches as well as who may write. Whoever watches has asked the
// daemon first; then the order is the protocol:
//
//   notify word (acquire) · the key's version, or the ring · sleep while the notify word is the same
//
// A change that isn't seen by the second step moves the word after the first. Model: `watch.pml`.

/// The version that a key has now, or that its absence has.
package struct CurrentVersion: Equatable, Sendable {
    /// The version; of a key that isn't there, the newest deletion's in its stripe: at least that of its own.
    package let version: UInt64
    /// Whether there is a value; it may have expired.
    package let exists: Bool
    /// ns of CLOCK_BOOTTIME; 0: never.
    package let expiresAt: UInt64

    package init(version: UInt64, exists: Bool, expiresAt: UInt64 = 0) {
        self.version = version
        self.exists = exists
        self.expiresAt = expiresAt
    }
}

/// Up to where somebody knows the changes of a segment.
package struct ChangeCursor: Equatable, Sendable {
    /// The number of the ring's entry to read next.
    package fileprivate(set) var position: UInt64
    /// The newest change that is known, by its version.
    package fileprivate(set) var version: UInt64
    /// What was committed when the cursor was taken: a listing behind it knows all of that.
    fileprivate let floor: UInt64
}

/// What the change ring has for a cursor.
package enum RingRead: Equatable, Sendable {
    /// A key has changed, whose bytes were copied.
    case changed(version: UInt64, isDeletion: Bool, keyByteCount: Int)
    /// Nothing more.
    case end
    /// Changes were missed: the caller takes a new cursor and then lists the keys.
    case listAgain
}

extension Store {
    /// The notify word with this index now.
    ///
    /// Model: `watch.pml`.
    package func notifyWord(_ index: Int) -> UInt32 {
        // SYNC: what the word was moved for is visible to the loads behind this one; pairs with `notify(stripes:version:)`.
        data.loadAcquiring32(NotifyWords.offset(of: index))
    }

    /// The index of the notify word that changes of `key` move.
    package func notifyIndex(of key: UnsafeRawBufferPointer) -> Int {
        unsafe KeyHash(key, seed: geometry.hashSeed).stripe
    }

    /// The version of a key, or of its absence; costs what a get costs, and copies no value.
    ///
    /// Model: `watch.pml`.
    package func currentVersion(of key: UnsafeRawBufferPointer) throws(StoreError) -> CurrentVersion {
        // SYNC: a deletion that isn't committed when this is loaded may still be undone, or be one of a transaction that sets
        // this very key: its version isn't the absence's yet; pairs with the releasing stores of the commit number.
        let committed = moment
        let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
        if let info = unsafe try info(of: key, hash) {
            return CurrentVersion(version: info.version, exists: true, expiresAt: info.expiresAt)
        }
        // SYNC: who found the slot empty sees at least the version of that deletion; pairs with `noteDeletion(_:_:)`.
        let version = min(data.loadAcquiring(lastDeletionOffset(hash)), has(.deletionBelieved) ? .max : committed)
        return CurrentVersion(version: version, exists: false)
    }

    /// A cursor behind every change that is visible now; what is listed afterwards is at least as new.
    ///
    /// Model: `watch.pml`.
    package func changeCursor() -> ChangeCursor {
        // SYNC: in this order: a change before the position is visible to the listing, one behind it is in the ring or in
        // `ring_gap`; pairs with `noteInRing(_:_:isDeletion:more:)`.
        let position = data.loadAcquiring(Int(sharedmem_at_ring_position))
        let version = moment
        return ChangeCursor(position: position, version: version, floor: version)
    }

    /// Whether something was committed that the cursor doesn't know; at rest, that means that the ring lacks it.
    package func isBehind(_ cursor: ChangeCursor) -> Bool { commitNumber > cursor.version }

    /// Copies the key of the next change into `buffer` (512 bytes are always enough) and moves the cursor on.
    ///
    /// Changes come in the order of their versions; those of a transaction have one. Takes no lock and stores nothing;
    /// whatever the ring's bytes are, what comes is a change of the ring, or `listAgain`.
    ///
    /// Model: `watch.pml`.
    package func nextChange(
        after cursor: inout ChangeCursor, into buffer: UnsafeMutableRawBufferPointer
    ) -> RingRead {
        // What the ring has at most, if nobody moves it meanwhile.
        for _ in 0..<ringLength {
            let known = cursor
            let read = unsafe nextEntry(after: &cursor, into: buffer)
            // The listing knew it; what has happened to its key since may stand nowhere else.
            guard case .changed(let version, _, _) = read, version <= known.floor, !has(.floorIgnored) else {
                return read
            }
        }
        return .listAgain
    }

    /// Copies the key of the ring's next entry.
    ///
    /// Models: `watch.pml` and `ring.pml`.
    private func nextEntry(
        after cursor: inout ChangeCursor, into buffer: UnsafeMutableRawBufferPointer
    ) -> RingRead {
        let length = UInt64(ringLength)
        // SYNC: the entries before it, their changes and their gaps are visible; pairs with `writeRing(_:_:isDeletion:more:)`.
        let end = data.loadAcquiring(Int(sharedmem_at_ring_position))
        // A gap names a visible change: what a hostile writer says beyond that doesn't count.
        let gap = min(data.loadAcquiring(Int(sharedmem_at_ring_gap)), moment)
        if gap > cursor.version { return .listAgain }
        if end == cursor.position { return .end }
        guard end &- cursor.position < length else { return .listAgain }
        let offset = ringEntryOffset(cursor.position)
        let version = data.load(offset)
        let description = data.load(offset &+ 8)
        let kind = UInt32(truncatingIfNeeded: description)
        let keyByteCount = Int(description >> 32)
        guard keyByteCount <= Record.keyLimit, keyByteCount <= buffer.count, let target = buffer.baseAddress else {
            return .listAgain
        }
        unsafe data.copyOut(offset &+ Int(sharedmem_change_key), to: target, count: keyByteCount)
        let isLast = data.load(offset &+ Int(sharedmem_change_more)) == 0
        // SYNC: who has read a byte of a later entry in this place sees the position that counts the entry before it;
        // pairs with the releasing fence in `writeRing(_:_:isDeletion:more:)`.
        atomicMemoryFence(ordering: .acquiring)
        let isWhole = data.load(Int(sharedmem_at_ring_position)) &- cursor.position < length || has(.overrunIgnored)
        guard isWhole, version != 0, version <= commitNumber,
            kind == UInt32(SHAREDMEM_CHANGE_SET) || kind == UInt32(SHAREDMEM_CHANGE_DELETED)
        else { return .listAgain }
        cursor.position &+= 1
        // A change is known when all its keys are: its writer may have died between two of them.
        cursor.version = max(cursor.version, isLast ? version : version &- 1)
        return .changed(
            version: version, isDeletion: kind == UInt32(SHAREDMEM_CHANGE_DELETED), keyByteCount: keyByteCount)
    }
}
