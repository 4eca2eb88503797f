internal import CSharedMem

/// One change of one key on its way into the index: all that is needed to finish it, in absolute values.
struct Intent {
    /// The version of the change.
    var version: UInt64
    /// Offset of the index entry.
    var slotOffset: Int
    /// What the slot holds before; empty: the key is new.
    var old: Reference
    /// What the slot holds after; empty: a deletion.
    var new: Reference
    /// Limbo's head afterwards, but for the old record; none: limbo is empty.
    var limboHead: Block
    /// Behind which the old record goes; none: limbo is empty.
    var limboTail: Block
    /// Granules in limbo afterwards.
    var limboGranuleCount: UInt64
    /// Keys in the index afterwards.
    var recordCount: UInt64
}

extension Store {
    /// Says what is about to be published; from the last store on, recovery looks at the slot.
    ///
    /// Model: `write.pml`.
    @inline(__always)
    func announce(_ intent: Intent) {
        lock.store(intent.version, Int(sharedmem_lock_at_intent_version))
        lock.store(UInt64(truncatingIfNeeded: intent.slotOffset), Int(sharedmem_lock_at_intent_slot))
        lock.store(intent.old.bits, Int(sharedmem_lock_at_intent_old_reference))
        lock.store(intent.new.bits, Int(sharedmem_lock_at_intent_new_reference))
        lock.store(
            UInt64(intent.limboHead.number) << 32 | UInt64(intent.limboTail.number),
            Int(sharedmem_lock_at_intent_limbo_ends))
        lock.store(
            intent.limboGranuleCount << 32 | intent.recordCount & 0xffff_ffff, Int(sharedmem_lock_at_intent_counts))
        if has(.intentLeftOut) { return }
        lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_PUBLISHING), Int(sharedmem_lock_at_intent_state))
    }

    /// Assigns everything that follows from a published change: the same stores whether the writer makes them or who
    /// recovers the segment, once or again.
    ///
    /// Model: `write.pml`.
    @inline(__always)
    func finish(_ intent: Intent) {
        if intent.old.isEmpty {
            lock.storeReleasing(UInt64(intent.limboHead.number), Int(sharedmem_lock_at_limbo_head))
            lock.storeReleasing(UInt64(intent.limboTail.number), Int(sharedmem_lock_at_limbo_tail))
        } else {
            let old = intent.old.block
            let epoch = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
            data.storeReleasing32(0, old.offset &+ Int(sharedmem_record_link))
            data.storeReleasing32(epoch, old.offset &+ Int(sharedmem_record_retire_epoch))
            var tail = intent.limboTail
            if has(.retiredRelatively) { tail = Block(number: UInt32(lock.load(Int(sharedmem_lock_at_limbo_tail)))) }
            if tail == .none {
                lock.storeReleasing(UInt64(old.number), Int(sharedmem_lock_at_limbo_head))
            } else {
                data.storeReleasing32(old.number, tail.offset &+ Int(sharedmem_record_link))
                lock.storeReleasing(UInt64(intent.limboHead.number), Int(sharedmem_lock_at_limbo_head))
            }
            lock.storeReleasing(UInt64(old.number), Int(sharedmem_lock_at_limbo_tail))
        }
        lock.storeReleasing(intent.limboGranuleCount, Int(sharedmem_lock_at_limbo_granules))
        lock.storeReleasing(intent.recordCount, Int(sharedmem_lock_at_record_count))
        // SYNC: publishes the change with its number; pairs with readers of many keys, who load the number first.
        data.storeReleasing(intent.version, Int(sharedmem_at_commit_number))
    }

    /// Ends a change: nothing is taken, nothing is being published.
    ///
    /// Model: `write.pml`.
    @inline(__always)
    func forgetIntent() {
        lock.storeReleasing(0, Int(sharedmem_lock_at_undo_state))
        lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_NONE), Int(sharedmem_lock_at_intent_state))
    }

    /// Whether the last owner of the lock word left nothing half-done.
    @inline(__always)
    var isSettled: Bool {
        lock.load(Int(sharedmem_lock_at_undo_state)) == 0
            && lock.load32(Int(sharedmem_lock_at_intent_state)) == UInt32(SHAREDMEM_INTENT_NONE)
    }

    /// The intent in the lock file, every place in it checked against the geometry.
    func loadIntent() throws(StoreError) -> Intent {
        let ends = lock.load(Int(sharedmem_lock_at_intent_limbo_ends))
        let counts = lock.load(Int(sharedmem_lock_at_intent_counts))
        guard let slotOffset = Int(exactly: lock.load(Int(sharedmem_lock_at_intent_slot))), isSlot(slotOffset) else {
            throw .corrupted(.intent)
        }
        let intent = Intent(
            version: lock.load(Int(sharedmem_lock_at_intent_version)), slotOffset: slotOffset,
            old: Reference(bits: lock.load(Int(sharedmem_lock_at_intent_old_reference))),
            new: Reference(bits: lock.load(Int(sharedmem_lock_at_intent_new_reference))),
            limboHead: Block(number: UInt32(truncatingIfNeeded: ends >> 32)),
            limboTail: Block(number: UInt32(truncatingIfNeeded: ends)), limboGranuleCount: counts >> 32,
            recordCount: counts & 0xffff_ffff)
        for reference in [intent.old, intent.new] {
            guard reference.isEmpty || geometry.contains(reference.block) else { throw .corrupted(.intent) }
        }
        for block in [intent.limboHead, intent.limboTail] {
            guard block == .none || geometry.contains(block) else { throw .corrupted(.intent) }
        }
        return intent
    }
}
