internal import CSharedMem

// Undo groups. Every change of the heap's and limbo's words is logged before it is made: {place, old value}, then the
// count, then the word itself. One store of `undo_state` closes the group, and may name the block that it took from the
// heap. Whoever finds an open group puts the old values back in reverse; being killed while doing so changes nothing,
// because the values are absolute and the count is cleared last.
//
// A killed process leaves a prefix of its stores in program order: exceptions are precise, and the store buffer drains.
// So the stores below need no fence for the processor; they are releasing to bind the compiler.

/// An open undo group; exists in private memory of the lock holder alone.
struct UndoGroup {
    /// Entries logged so far.
    fileprivate(set) var count = 0
    /// The block that was taken before the group began; none but in recovery.
    fileprivate let taken: Block

    /// Begins a group, which is open from its first change on.
    init(whileTaken taken: Block = .none) { self.taken = taken }
}

extension Store {
    /// Marks an undo entry's place as one in the data file.
    private static var dataFileBit: UInt64 { 1 << 63 }

    private func undoState(taken: Block, count: Int) -> UInt64 { UInt64(taken.number) << 32 | UInt64(count) }

    /// Changes a word of the lock file that heap or limbo live in.
    ///
    /// Model: `write.pml`.
    @inline(__always)
    func change(_ value: UInt64, inLock offset: Int, _ group: inout UndoGroup) {
        log(UInt64(offset), old: lock.load(offset), &group)
        lock.storeReleasing(value, offset)
    }

    /// Changes a word of a free block in the data file.
    @inline(__always)
    func change(_ value: UInt64, inData offset: Int, _ group: inout UndoGroup) {
        log(UInt64(offset) | Self.dataFileBit, old: data.load(offset), &group)
        data.storeReleasing(value, offset)
    }

    /// Notes what a word holds before it is changed; the group is open from the first note on.
    ///
    /// Model: `write.pml`.
    private func log(_ place: UInt64, old value: UInt64, _ group: inout UndoGroup) {
        precondition(group.count < Int(SHAREDMEM_UNDO_ENTRIES), "no operation changes that many words in one group")
        let entry = Int(sharedmem_lock_at_undo) &+ group.count &* 16
        lock.store(place, entry)
        lock.store(value, entry &+ 8)
        group.count &+= 1
        if has(.undoLeftOut) { return }
        lock.storeReleasing(undoState(taken: group.taken, count: group.count), Int(sharedmem_lock_at_undo_state))
    }

    /// Closes a group: its changes stay, and `block` is taken and not yet published.
    ///
    /// Model: `write.pml`.
    @inline(__always)
    func close(_ group: inout UndoGroup, taking block: Block = .none, granuleCount: Int = 0) {
        if block != .none { lock.store32(UInt32(granuleCount), Int(sharedmem_lock_at_taken_granules)) }
        lock.storeReleasing(undoState(taken: block, count: 0), Int(sharedmem_lock_at_undo_state))
        group.count = 0
    }

    /// Puts back what an open group has changed, if there is one.
    ///
    /// Model: `write.pml`.
    func undoOpenGroup() throws(StoreError) {
        let state = lock.load(Int(sharedmem_lock_at_undo_state))
        let count = state & 0xffff_ffff
        guard count > 0 else { return }
        guard count <= UInt64(SHAREDMEM_UNDO_ENTRIES) else { throw .corrupted(.intent) }
        for index in (0..<Int(count)).reversed() {
            let entry = Int(sharedmem_lock_at_undo) + index * 16
            let place = lock.load(entry)
            let value = lock.load(entry + 8)
            guard let offset = Int(exactly: place & ~Self.dataFileBit), offset & 7 == 0 else {
                throw .corrupted(.intent)
            }
            if place & Self.dataFileBit != 0 {
                guard offset >= geometry.heapOffset, offset < geometry.endBlock * 64 else { throw .corrupted(.intent) }
                data.storeReleasing(value, offset)
            } else {
                guard isUndoable(offset) else { throw .corrupted(.intent) }
                lock.storeReleasing(value, offset)
            }
        }
        lock.storeReleasing(state & ~0xffff_ffff, Int(sharedmem_lock_at_undo_state))
    }

    /// Whether heap or limbo keep a word at `offset` of the lock file.
    private func isUndoable(_ offset: Int) -> Bool {
        let fields = Int(sharedmem_lock_at_limbo_head)...Int(sharedmem_lock_at_first_level_map)
        let lists = Int(sharedmem_lock_at_second_level_maps)..<Int(sharedmem_lock_header_size)
        let edges = geometry.edgesOffset..<geometry.edgesOffset + geometry.edgesByteCount
        return fields.contains(offset) || lists.contains(offset) || edges.contains(offset)
    }
}
