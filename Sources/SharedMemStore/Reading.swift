public import CSharedMem
public import Synchronization

/// What a read began with, and what it is validated against.
@usableFromInline
struct Reading {
    /// Offset of the slot.
    @usableFromInline
    let slotOffset: Int
    /// What stood in it.
    @usableFromInline
    let entry: Reference
    /// E before that.
    @usableFromInline
    let epoch: UInt64

    @inlinable @inline(__always)
    init(slotOffset: Int, entry: Reference, epoch: UInt64) {
        self.slotOffset = slotOffset
        self.entry = entry
        self.epoch = epoch
    }

    /// Whether the entry is still the same, and what was copied of `data` since then is its record.
    @inlinable @inline(__always)
    func isUnchanged(in data: SharedBytes, version: UInt64) -> Bool {
        // SYNC: orders the copy before the loads below; pairs with the releasing fence in `moveEpoch()`.
        atomicMemoryFence(ordering: .acquiring)
        return data.load(slotOffset) == entry.bits && entry.names(version: version)
    }

    /// Whether nothing that was in use then was reused before now; behind `isUnchanged(in:version:)`, whose fence counts
    /// for this, too.
    @inlinable @inline(__always)
    func isInTime(in data: SharedBytes) -> Bool { data.load(Int(sharedmem_at_reuse_epoch)) &- epoch <= 1 }
}

extension Store {
    /// Whether what was copied since `reading` began is one whole record; `version` is the copied one.
    ///
    /// Models: `pub.pml`, `torn.pml` and `tx.pml`.
    @inlinable @inline(__always)
    func isValid(_ reading: Reading, version: UInt64) -> Bool {
        has(.validationLeftOut) || reading.isUnchanged(in: data, version: version) || reading.isInTime(in: data)
    }

    /// Whether the entry is still the same and nothing that was in use when the read began was reused: what a pending
    /// record links to is only safe then.
    ///
    /// Model: `tx.pml`.
    @inline(__always)
    func isUnreplaced(_ reading: Reading) -> Bool {
        // SYNC: as in `Reading.isUnchanged(in:version:)`.
        atomicMemoryFence(ordering: .acquiring)
        return data.load(reading.slotOffset) == reading.entry.bits
            && data.load(Int(sharedmem_at_reuse_epoch)) &- reading.epoch <= 1
    }
}
