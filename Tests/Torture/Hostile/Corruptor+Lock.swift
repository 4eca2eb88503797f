internal import CSharedMem
internal import SharedMemStore
internal import TestSupport

// What a hostile writer does to the lock file and to the free blocks that it describes.

extension Corruptor {
    /// Changes a boundary tag or a link of a free block: loops, neighbours that overlap, blocks outside.
    mutating func spoilFreeBlock() {
        let list = listOffset()
        let head = lock.load(list)
        let geometry = segment.geometry
        let isInside = head >= UInt64(geometry.firstBlock) && head < UInt64(geometry.endBlock)
        let number = isInside ? Int(head) : geometry.firstBlock + below(geometry.heapGranuleCount)
        let offset = number * 64
        switch below(8) {
        case 0, 1:
            let count = granules(behind: UInt32(number))
            put(count, inData: offset + Int(sharedmem_free_block_granule_count))
            if below(2) == 0, count >= 1, count <= UInt64(geometry.endBlock - number) {
                let last = offset + (Int(count) - 1) * 64 + Int(sharedmem_free_block_last)
                put(below(2) == 0 ? count : word(), inData: last)
            }
        case 2:
            let any = geometry.firstBlock + below(geometry.heapGranuleCount)
            put(granules(behind: UInt32(any)), inData: any * 64 + Int(sharedmem_free_block_last))
        case 3: put(UInt64(number), inData: offset + Int(sharedmem_free_block_next))
        case 4: put(UInt64(number), inData: offset + Int(sharedmem_free_block_previous))
        case 5: put(UInt64(block()), inData: offset + Int(sharedmem_free_block_next))
        case 6: put(UInt64(block()), inData: offset + Int(sharedmem_free_block_previous))
        default: put(word(), inData: offset + below(8) * 8)
        }
    }

    /// The offset of a list's head, usually of one that is not empty.
    private mutating func listOffset() -> Int {
        var offset = 0
        for _ in 0..<64 {
            offset = Int(sharedmem_lock_at_lists) + below(Int(SHAREDMEM_FIRST_LEVELS * SHAREDMEM_SECOND_LEVELS)) * 8
            if lock.load(offset) != 0 { break }
        }
        return offset
    }

    /// Changes a list's head or the maps above the lists.
    mutating func spoilHeapLists() {
        switch below(5) {
        case 0: put(UInt64(block()), inLock: listOffset())
        case 1: put(word(), inLock: listOffset())
        case 2: put(word(), inLock: Int(sharedmem_lock_at_first_level_map))
        case 3: put(word(), inLock: Int(sharedmem_lock_at_second_level_maps) + below(32) * 8)
        default:
            let old = lock.load(Int(sharedmem_lock_at_first_level_map))
            put(old ^ 1 << UInt64(below(64)), inLock: Int(sharedmem_lock_at_first_level_map))
        }
    }

    /// Flips a bit of the bitmap of edges, or sets a word of it.
    mutating func spoilEdges() {
        let words = (lock.byteCount - segment.geometry.edgesOffset) / 8
        let offset = segment.geometry.edgesOffset + below(words) * 8
        switch below(3) {
        case 0: put(.max, inLock: offset)
        case 1: put(0, inLock: offset)
        default: put(lock.load(offset) ^ 1 << UInt64(below(64)), inLock: offset)
        }
    }

    /// Changes limbo's ends or what is known of its size.
    mutating func spoilLimbo() {
        let fields = [sharedmem_lock_at_limbo_head, sharedmem_lock_at_limbo_tail, sharedmem_lock_at_limbo_granules]
        let field = Int(fields[below(3)])
        switch below(4) {
        case 0: put(word(), inLock: field)
        case 1: put(UInt64(record() / 64), inLock: field)
        case 2: put(UInt64(block()) | random.next() << 32, inLock: field)
        default: put(UInt64(block()), inLock: field)
        }
    }

    /// Changes what the header counts.
    mutating func spoilCounters() {
        let fields = [
            sharedmem_lock_at_free_granules, sharedmem_lock_at_record_count, sharedmem_lock_at_limbo_granules,
        ]
        put(word(), inLock: Int(fields[below(3)]))
    }

    /// Leaves an undo group that no writer left.
    mutating func spoilUndo() {
        let limit = Int(SHAREDMEM_UNDO_ENTRIES)
        let counts: [UInt64] = [
            0, 1, 2, 3, UInt64(limit - 1), UInt64(limit), UInt64(limit + 1), 1 << 31, UInt64(UInt32.max),
        ]
        let count = counts[below(counts.count)]
        for entry in 0..<min(limit, Int(count)) where entry < 8 || below(8) == 0 {
            let offset = Int(sharedmem_lock_at_undo) + entry * 16
            put(undoPlace(), inLock: offset)
            put(word(), inLock: offset + 8)
        }
        let taken = below(2) == 0 ? 0 : block()
        put(UInt64(taken) << 32 | count, inLock: Int(sharedmem_lock_at_undo_state))
        if taken != 0 {
            put32(UInt32(truncatingIfNeeded: granules(behind: taken)), inLock: Int(sharedmem_lock_at_taken_granules))
        }
    }

    /// A place for an undo entry: usually one that heap or limbo have, otherwise one just outside or anywhere.
    private mutating func undoPlace() -> UInt64 {
        let geometry = segment.geometry
        let inData: UInt64 = 1 << 63
        return switch below(10) {
        case 0: inData | UInt64(geometry.heapOffset - 8)
        case 1: inData | UInt64(geometry.endBlock * 64)
        case 2: inData | UInt64(geometry.endBlock * 64 - 8)
        case 3: inData | UInt64(geometry.heapOffset + below(geometry.heapGranuleCount * 64))
        case 4: UInt64(lock.byteCount - 8 * below(3))
        case 5: word()
        case 6: UInt64(sharedmem_lock_at_limbo_head) + UInt64(below(8) * 8)
        case 7: UInt64(sharedmem_lock_at_lock_word)
        default:
            below(2) == 0
                ? inData | UInt64(geometry.heapOffset + below(geometry.heapGranuleCount * 8) * 8)
                : UInt64(sharedmem_lock_at_second_level_maps) + UInt64(below(512) * 8)
        }
    }

    /// Leaves an intent that no writer left; often one whose slot holds what it says.
    mutating func spoilIntent() {
        let slot = slot()
        let held = data.load(slot)
        let places: [UInt64] = [
            UInt64(slot), UInt64(slot), UInt64(slot), UInt64(slot | 56), UInt64(slot + 4),
            UInt64(segment.geometry.indexOffset + segment.geometry.bucketCount * 64),
            UInt64(segment.geometry.indexOffset - 8), word(),
        ]
        let old = below(2) == 0 ? held : reference()
        let new = below(2) == 0 ? held : reference()
        put(word(), inLock: Int(sharedmem_lock_at_intent_version))
        put(places[below(places.count)], inLock: Int(sharedmem_lock_at_intent_slot))
        put(below(8) == 0 ? UInt64(below(100)) : old, inLock: Int(sharedmem_lock_at_intent_old_reference))
        put(below(8) == 0 ? 0 : new, inLock: Int(sharedmem_lock_at_intent_new_reference))
        put(UInt64(block()) << 32 | UInt64(block()), inLock: Int(sharedmem_lock_at_intent_limbo_ends))
        put(word(), inLock: Int(sharedmem_lock_at_intent_counts))
        let states: [UInt32] = [1, 1, 1, 0, 2, .max]
        put32(states[below(states.count)], inLock: Int(sharedmem_lock_at_intent_state))
        let taken = block()
        put32(UInt32(truncatingIfNeeded: granules(behind: taken)), inLock: Int(sharedmem_lock_at_taken_granules))
        put(UInt64(below(3) == 0 ? taken : 0) << 32, inLock: Int(sharedmem_lock_at_undo_state))
    }

    /// Leaves a transaction that no writer left, or changes one; often its list is a block of the heap with entries.
    mutating func spoilTransaction() {
        let list = below(4) == 0 ? block() : UInt32(record() / 64)
        let commit = data.load(Int(sharedmem_at_commit_number))
        for entry in 0..<4 {
            let offset = Int(list) * 64 + entry * Int(sharedmem_transaction_entry_size)
            guard offset >= segment.geometry.heapOffset, offset + 24 <= segment.geometry.endBlock * 64 else { break }
            let slots = [UInt64(slot()), UInt64(slot() | 1), UInt64(slot() + 4), 1 << 63, word()]
            put(slots[below(slots.count)], inData: offset)
            put(below(3) == 0 ? 0 : reference(), inData: offset + 8)
            put(reference(), inData: offset + 16)
        }
        let counts = [0, 1, 2, 3, 4, 5, 1 << 31, 1 << 62, word()]
        put(UInt64(list) << 32 | granules(behind: list) & 0xffff_ffff, inLock: Int(sharedmem_lock_at_transaction_list))
        put(counts[below(counts.count)], inLock: Int(sharedmem_lock_at_transaction_count))
        put(near(commit), inLock: Int(sharedmem_lock_at_transaction_version))
        put(UInt64(block()) << 32 | UInt64(block()), inLock: Int(sharedmem_lock_at_transaction_limbo_ends))
        put(word(), inLock: Int(sharedmem_lock_at_transaction_counts))
        let states = [UInt32(SHAREDMEM_INTENT_TRANSACTION), UInt32(SHAREDMEM_INTENT_ABORTING), 0, 1]
        put32(states[below(states.count)], inLock: Int(sharedmem_lock_at_intent_state))
        let taken = below(2) == 0 ? list : block()
        put(UInt64(below(3) == 0 ? taken : 0) << 32, inLock: Int(sharedmem_lock_at_undo_state))
    }

    /// Changes the lock word, or the time it was taken at.
    mutating func spoilLockWord() {
        let words: [UInt32] = [
            0, 1, 2, Store.waitersBit, Store.waitersBit | 1, UInt32(SHAREDMEM_LOCK_RECOVERY),
            UInt32(SHAREDMEM_LOCK_RETIRED), .max, UInt32(truncatingIfNeeded: random.next()),
        ]
        put32(words[below(words.count)], inLock: Store.lockWordOffset)
        put(word(), inLock: Int(sharedmem_lock_at_taken_at))
    }
}
