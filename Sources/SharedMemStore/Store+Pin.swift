internal import CSharedMem
internal import Synchronization

// Pins: a session's hold on the reuse epoch. Nothing that was retired at the pinned epoch or later is reused, so that a
// record which was found under the pin stays as it is until the pin goes. A pin is a store of the session's own slot,
// a fence, and another look at the epoch; writers fence after each retirement and scan the slots before they reuse.
// Model: `pin.pml`.

/// A session's slot for a pin.
package struct PinSlot: Equatable, Sendable {
    /// Which of the slots.
    let index: Int
}

extension Store {
    /// Claims a free slot for this session; nil: all are taken.
    ///
    /// Only in a writable store.
    package func claimPinSlot() -> PinSlot? {
        let count = Int(SHAREDMEM_SESSIONS_MAX)
        for distance in 0..<count {
            let index = (Int(session) &+ distance) % count
            let found = lock.exchangeSequential32(expected: 0, desired: session, sessionOffset(ofPin: index))
            if found == 0 {
                lock.setBits(1 << UInt64(index & 63), Int(sharedmem_lock_at_pin_map) &+ index / 64 &* 8)
                lock.setBits(1 << UInt64(index / 64), Int(sharedmem_lock_at_pin_group_map))
                return PinSlot(index: index)
            }
        }
        return nil
    }

    /// Gives a slot back.
    package func releasePinSlot(_ slot: PinSlot) {
        unpin(slot)
        lock.storeReleasing32(0, sessionOffset(ofPin: slot.index))
    }

    /// Pins the epoch of now, which it returns: what is found from here on stays until `unpin(_:)`.
    ///
    /// The last try's epoch counts although it has changed by then: a writer that moves it without end would keep its
    /// caller here. An older epoch keeps more than is needed, and nothing less.
    /// Model: `pin.pml`.
    @discardableResult
    package func pin(_ slot: PinSlot) -> UInt64 {
        var pinned = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        var attempts = Self.pinAttempts
        while true {
            lock.store(pinned &+ 1, epochOffset(ofPin: slot.index))
            // SYNC: orders the pin before every entry that is loaded under it; pairs with the fence in `moveEpoch()`,
            // which orders a record's retirement before the scan of the pins.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            let now = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
            attempts -= 1
            if now == pinned || attempts == 0 { return pinned }
            pinned = now
        }
    }

    /// How often a pin follows an epoch that moves on.
    private static var pinAttempts: Int { 64 }

    /// The reuse epoch of now.
    package var reuseEpoch: UInt64 { data.load(Int(sharedmem_at_reuse_epoch)) }

    /// Takes a pin away.
    ///
    /// Model: `pin.pml`.
    package func unpin(_ slot: PinSlot) {
        // SYNC: orders what was read under the pin before its end; pairs with the writer's scan.
        lock.storeReleasing(0, epochOffset(ofPin: slot.index))
    }

    /// Clears every pin of a session that is dead.
    package func clearPins(of session: UInt32) {
        for index in 0..<Int(SHAREDMEM_SESSIONS_MAX) where lock.load32(sessionOffset(ofPin: index)) == session {
            releasePinSlot(PinSlot(index: index))
        }
    }

    /// Who holds a slot, as the slot says.
    package struct PinHold: Equatable, Sendable {
        /// Which slot.
        package let slot: PinSlot
        /// Who holds it.
        package let session: UInt32
        /// Whether it pins an epoch now.
        package let isPinned: Bool
    }

    /// The slots that somebody holds.
    package var pinHolds: [PinHold] {
        var holds: [PinHold] = []
        for index in 0..<Int(SHAREDMEM_SESSIONS_MAX) {
            let session = lock.load32(sessionOffset(ofPin: index))
            if session == 0 { continue }
            holds.append(
                PinHold(
                    slot: PinSlot(index: index), session: session, isPinned: lock.load(epochOffset(ofPin: index)) != 0))
        }
        return holds
    }

    /// Who keeps records that were retired at the epoch whose low half is `epoch` from being reused; nil: nobody.
    ///
    /// Model: `pin.pml`.
    @inline(__always)
    func pinHolder(keeping epoch: UInt32) -> UInt32? {
        let groups = lock.load(Int(sharedmem_lock_at_pin_group_map))
        return groups == 0 ? nil : pinHolder(keeping: epoch, in: groups)
    }

    private func pinHolder(keeping epoch: UInt32, in groupMap: UInt64) -> UInt32? {
        if has(.pinsIgnored) { return nil }
        var groups = groupMap
        while groups != 0 {
            let group = groups.trailingZeroBitCount
            groups &= groups &- 1
            var slots = lock.load(Int(sharedmem_lock_at_pin_map) &+ group &* 8)
            while slots != 0 {
                let index = group &* 64 &+ slots.trailingZeroBitCount
                slots &= slots &- 1
                let pinned = lock.loadAcquiring(epochOffset(ofPin: index))
                if pinned == 0 { continue }
                // Retired at the pinned epoch or later: the low halves are compared as a distance.
                let distance = Int32(bitPattern: epoch &- UInt32(truncatingIfNeeded: pinned &- 1))
                if distance >= 0 { return lock.load32(sessionOffset(ofPin: index)) }
            }
        }
        return nil
    }

    private func epochOffset(ofPin index: Int) -> Int { geometry.pinsOffset &+ index &* Int(sharedmem_pin_size) }

    private func sessionOffset(ofPin index: Int) -> Int { epochOffset(ofPin: index) &+ 8 }
}

// MARK: - Reading under a pin

/// A value that lies in the segment's memory and stays as it is as long as its pin.
package struct PinnedValue: Sendable {
    /// Bytes from the start of the data file.
    package let offset: Int
    /// What is known of it.
    package let info: ValueInfo
}

extension Store {
    /// Finds the value of `key` without copying it; nil: there is no such key.
    ///
    /// Only under a pin of this session, which keeps the value as it is.
    ///
    /// Model: `pin.pml`.
    package func findPinned(_ key: UnsafeRawBufferPointer, _ hash: KeyHash) throws(StoreError) -> PinnedValue? {
        guard let info = unsafe try info(of: key, hash) else { return nil }
        return PinnedValue(offset: info.valueOffset, info: info)
    }

    /// Copies a pinned value's bytes; the whole of `buffer`, at most the value's length.
    package func copy(_ value: PinnedValue, into buffer: UnsafeMutableRawBufferPointer) {
        guard let target = buffer.baseAddress else { return }
        unsafe data.copyOut(value.offset, to: target, count: min(buffer.count, value.info.byteCount))
    }

    /// Lends a pinned value's bytes where they are.
    package func withBytes<Result, Failure: Error>(
        of value: PinnedValue, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe data.withBytes(at: value.offset, count: value.info.byteCount, body)
    }
}
