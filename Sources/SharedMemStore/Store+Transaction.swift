internal import CSharedMem
internal import Synchronization

// Transactions: many keys at once or none. Their records are published pending, one after the other, each with a link to
// what it replaces, so that readers go on seeing the state before; one store of the commit number shows them all. What
// was replaced then goes to limbo. Killed before the commit number, recovery puts the old references back; killed after
// it, recovery does the rest. Model: `tx.pml`.

/// What a transaction has read, and must find unchanged when it commits.
package struct TransactionRead: Sendable {
    /// The key.
    package var key: [UInt8]
    /// Its version then; 0: it didn't exist.
    package var version: UInt64

    package init(key: [UInt8], version: UInt64) {
        self.key = key
        self.version = version
    }
}

/// What a transaction does to one key.
package struct TransactionWrite: Sendable {
    /// The key; no other write of the transaction has it.
    package var key: [UInt8]
    /// The new value; nil: delete the key.
    package var value: [UInt8]?
    /// Type and expiry.
    package var options: SetOptions

    package init(key: [UInt8], value: [UInt8]?, options: SetOptions = SetOptions()) {
        self.key = key
        self.value = value
        self.options = options
    }
}

extension Store {
    /// The watch stripes of the keys that a transaction writes, as bits.
    package func stripeBits(of writes: [TransactionWrite]) -> UInt64 {
        var bits: UInt64 = 0
        for write in writes { bits |= unsafe write.key.span.bytes.withUnsafeBytes { unsafe stripeBit(of: $0) } }
        return bits
    }

    /// Checks everything that was read, then writes everything, and returns the version of all writes.
    ///
    /// Only for the owner of the lock word. Throws `versionDiffers` if something read has changed; whatever it throws,
    /// nothing was written.
    ///
    /// Model: `tx.pml`.
    package func commit(
        reads: [TransactionRead], writes: [TransactionWrite], at time: UInt64, bootTime: () -> UInt64
    ) throws(StoreError) -> UInt64 {
        for read in reads {
            try unsafe read.key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                let position = unsafe try position(of: key, hashForWriting(key))
                try check(position, hasVersion: read.version, bootTime: bootTime)
            }
        }
        let version = data.load(Int(sharedmem_at_commit_number)) &+ 1
        if writes.isEmpty {
            guard isSettled else { throw .corrupted(.intent) }
            return version &- 1
        }
        for write in writes {
            try unsafe write.key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                _ = try unsafe hashForWriting(key)
            }
        }
        try beginTransaction(version, capacity: writes.count)
        do throws(StoreError) {
            for write in writes { try prepare(write, version, at: time) }
        } catch {
            try abortTransaction()
            throw error
        }
        noteLimbo()
        // SYNC: shows every pending record of the transaction at once; pairs with the load in `readPending`.
        data.storeReleasing(version, Int(sharedmem_at_commit_number))
        try finishTransaction()
        noteInRing(version, writes)
        return version
    }

    /// Takes the block for the list and says that a transaction has begun.
    ///
    /// Model: `write.pml`.
    private func beginTransaction(_ version: UInt64, capacity: Int) throws(StoreError) {
        let byteCount = capacity.multipliedReportingOverflow(by: Int(sharedmem_transaction_entry_size))
        let granules = byteCount.partialValue / 64 &+ 1
        guard !byteCount.overflow, granules <= geometry.heapGranuleCount else {
            throw .valueTooLarge(needed: byteCount.partialValue, available: geometry.heapGranuleCount &* 64)
        }
        let list = try allocateTaken(granuleCount: granules)
        lock.store(UInt64(list.number) << 32 | UInt64(granules), Int(sharedmem_lock_at_transaction_list))
        lock.store(version, Int(sharedmem_lock_at_transaction_version))
        lock.store(0, Int(sharedmem_lock_at_transaction_count))
        lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_TRANSACTION), Int(sharedmem_lock_at_intent_state))
        // From here on the list is the transaction's: recovery knows it by `transaction_list`.
        lock.storeReleasing(0, Int(sharedmem_lock_at_undo_state))
    }

    /// Publishes one pending record.
    ///
    /// Models: `tx.pml` and `write.pml`.
    private func prepare(_ write: TransactionWrite, _ version: UInt64, at time: UInt64) throws(StoreError) {
        try unsafe write.key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            let hash = unsafe KeyHash(key, seed: geometry.hashSeed)
            let old = unsafe try position(of: key, hash)
            if old == nil, write.value == nil { return }
            let value = write.value ?? []
            let extent = try extent(keyByteCount: key.count, valueByteCount: value.count)
            let slot: Int
            if let old { slot = old.slotOffset } else { slot = try newSlot(hash) }
            let block = try allocateTaken(granuleCount: extent.granuleCount)
            let flags = SHAREDMEM_RECORD_PENDING | (write.value == nil ? SHAREDMEM_RECORD_TOMBSTONE : 0)
            unsafe value.span.bytes.withUnsafeBytes { value in
                unsafe fill(
                    block, extent, key: key, value: value, version: version, time: time,
                    expiresAt: write.options.expiresAt,
                    typeAndFlags: RecordHeader.word(type: write.options.type, flags: UInt32(flags)))
            }
            data.store32(old?.reference.block.number ?? 0, block.offset &+ Int(sharedmem_record_link))
            if write.value == nil { noteDeletion(version, hash) }
            let entry = TransactionEntry(
                slotOffset: slot, old: old?.reference ?? Reference(bits: 0), new: Reference(block, version: version),
                isTombstone: write.value == nil)
            try append(entry)
            // SYNC: publishes the pending record; pairs with the acquiring load of the entry in `read(slot:_:_:into:)`.
            data.storeReleasing(entry.new.bits, slot)
        }
    }
}

// MARK: - The list

/// One key of a transaction.
struct TransactionEntry {
    /// Offset of its slot.
    let slotOffset: Int
    /// What the slot held.
    let old: Reference
    /// The pending record.
    let new: Reference
    /// Whether that says that the key is deleted.
    let isTombstone: Bool
}

extension Store {
    /// Adds an entry to the list; its record, taken until now, is the transaction's from the count on.
    ///
    /// Model: `write.pml`.
    private func append(_ entry: TransactionEntry) throws(StoreError) {
        let transaction = try loadTransaction()
        let entrySize = Int(sharedmem_transaction_entry_size)
        guard transaction.count < transaction.granuleCount &* 64 / entrySize else { throw .corrupted(.intent) }
        let offset = transaction.list.offset &+ transaction.count &* entrySize
        data.store(UInt64(entry.slotOffset) | (entry.isTombstone ? 1 : 0), offset)
        data.store(entry.old.bits, offset &+ 8)
        data.store(entry.new.bits, offset &+ 16)
        lock.storeReleasing(UInt64(transaction.count &+ 1), Int(sharedmem_lock_at_transaction_count))
        lock.storeReleasing(0, Int(sharedmem_lock_at_undo_state))
    }

    /// The transaction that the lock file tells of, every number checked against the geometry.
    private func loadTransaction() throws(StoreError) -> Transaction {
        let list = lock.load(Int(sharedmem_lock_at_transaction_list))
        let block = Block(number: UInt32(truncatingIfNeeded: list >> 32))
        let granules = list & 0xffff_ffff
        let count = lock.load(Int(sharedmem_lock_at_transaction_count))
        guard geometry.contains(block, granuleCount: granules),
            count <= granules &* 64 / UInt64(sharedmem_transaction_entry_size)
        else { throw .corrupted(.intent) }
        let ends = lock.load(Int(sharedmem_lock_at_transaction_limbo_ends))
        let counts = lock.load(Int(sharedmem_lock_at_transaction_counts))
        return Transaction(
            version: lock.load(Int(sharedmem_lock_at_transaction_version)), list: block, granuleCount: Int(granules),
            count: Int(count),
            limbo: LimboChain(
                head: Block(number: UInt32(truncatingIfNeeded: ends >> 32)),
                tail: Block(number: UInt32(truncatingIfNeeded: ends)), granuleCount: counts >> 32),
            recordCount: counts & 0xffff_ffff)
    }

    /// What the lock file says of a transaction.
    private struct Transaction {
        let version: UInt64
        let list: Block
        let granuleCount: Int
        let count: Int
        /// Limbo before any of its records went there.
        let limbo: LimboChain
        /// Keys in the index before.
        let recordCount: UInt64
    }

    /// Limbo while records are added to it in absolute terms.
    private struct LimboChain {
        var head: Block
        var tail: Block
        var granuleCount: UInt64
    }

    /// One entry of the list, every number checked.
    private func entry(_ index: Int, of transaction: Transaction) throws(StoreError) -> TransactionEntry {
        let offset = transaction.list.offset &+ index &* Int(sharedmem_transaction_entry_size)
        let slot = data.load(offset)
        let entry = TransactionEntry(
            slotOffset: Int(truncatingIfNeeded: slot & ~1), old: Reference(bits: data.load(offset &+ 8)),
            new: Reference(bits: data.load(offset &+ 16)), isTombstone: slot & 1 == 1)
        guard slot <= UInt64(Int.max), isSlot(entry.slotOffset), geometry.contains(entry.new.block),
            entry.old.isEmpty || geometry.contains(entry.old.block)
        else { throw .corrupted(.intent) }
        return entry
    }
}

// MARK: - The end, either way

extension Store {
    /// Notes what limbo is before the transaction's records go there.
    ///
    /// Model: `write.pml`.
    private func noteLimbo() {
        let head = lock.load(Int(sharedmem_lock_at_limbo_head))
        let tail = lock.load(Int(sharedmem_lock_at_limbo_tail))
        let granules = lock.load(Int(sharedmem_lock_at_limbo_granules))
        let records = lock.load(Int(sharedmem_lock_at_record_count))
        lock.store(head << 32 | tail & 0xffff_ffff, Int(sharedmem_lock_at_transaction_limbo_ends))
        lock.store(granules << 32 | records & 0xffff_ffff, Int(sharedmem_lock_at_transaction_counts))
    }

    /// Does what follows from a committed transaction; the same stores, once or again.
    ///
    /// Models: `tx.pml` and `write.pml`.
    private func finishTransaction() throws(StoreError) {
        let transaction = try loadTransaction()
        var limbo = transaction.limbo
        var records = transaction.recordCount
        for index in 0..<transaction.count {
            let entry = try entry(index, of: transaction)
            if entry.isTombstone {
                data.storeReleasing(0, entry.slotOffset)
                try append(entry.new.block, to: &limbo)
                records &-= 1
            } else {
                let flags = entry.new.block.offset &+ Int(sharedmem_record_type)
                data.storeReleasing32(data.load32(flags) & ~(UInt32(SHAREDMEM_RECORD_PENDING) << 8), flags)
                if entry.old.isEmpty { records &+= 1 }
            }
            if !entry.old.isEmpty { try append(entry.old.block, to: &limbo) }
        }
        assign(limbo)
        lock.storeReleasing(records, Int(sharedmem_lock_at_record_count))
        try forgetTransaction(transaction)
    }

    /// Undoes a transaction that isn't committed.
    ///
    /// Models: `tx.pml` and `write.pml`.
    private func abortTransaction() throws(StoreError) {
        try dropOwnedBlock()
        try giveTakenBlockBack()
        noteLimbo()
        lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_ABORTING), Int(sharedmem_lock_at_intent_state))
        try finishAbort()
    }

    /// Does what follows from an abort; the same stores, once or again.
    ///
    /// Models: `tx.pml` and `write.pml`.
    private func finishAbort() throws(StoreError) {
        let transaction = try loadTransaction()
        var limbo = transaction.limbo
        if has(.burntTooEarly) { data.storeReleasing(transaction.version, Int(sharedmem_at_commit_number)) }
        for index in (0..<transaction.count).reversed() {
            let entry = try entry(index, of: transaction)
            data.storeReleasing(entry.old.bits, entry.slotOffset)
        }
        // Readers may be in the new records.
        for index in 0..<transaction.count { try append(entry(index, of: transaction).new.block, to: &limbo) }
        assign(limbo)
        // SYNC: after the entries are restored, so that who believes a pending record of this version, because of this
        // number, finds another entry; pairs with `readPending`. The version is burnt.
        data.storeReleasing(transaction.version, Int(sharedmem_at_commit_number))
        try forgetTransaction(transaction)
    }

    /// Gives the list back and ends the transaction.
    ///
    /// Model: `write.pml`.
    private func forgetTransaction(_ transaction: Transaction) throws(StoreError) {
        lock.store32(UInt32(transaction.granuleCount), Int(sharedmem_lock_at_taken_granules))
        lock.storeReleasing(UInt64(transaction.list.number) << 32, Int(sharedmem_lock_at_undo_state))
        lock.storeReleasing32(UInt32(SHAREDMEM_INTENT_NONE), Int(sharedmem_lock_at_intent_state))
        try giveTakenBlockBack()
    }

    /// Puts a record behind the chain's last one.
    private func append(_ block: Block, to limbo: inout LimboChain) throws(StoreError) {
        guard let record = Record(block, in: geometry), let extent = record.extent(data, in: geometry) else {
            throw .corrupted(.intent)
        }
        let epoch = UInt32(truncatingIfNeeded: data.load(Int(sharedmem_at_reuse_epoch)))
        data.storeReleasing32(0, record.offset &+ Int(sharedmem_record_link))
        data.storeReleasing32(epoch, record.offset &+ Int(sharedmem_record_retire_epoch))
        if limbo.tail == .none {
            limbo.head = block
        } else {
            guard geometry.contains(limbo.tail) else { throw .corrupted(.limbo) }
            data.storeReleasing32(block.number, limbo.tail.offset &+ Int(sharedmem_record_link))
        }
        limbo.tail = block
        limbo.granuleCount &+= UInt64(extent.granuleCount)
    }

    private func assign(_ limbo: LimboChain) {
        lock.storeReleasing(UInt64(limbo.head.number), Int(sharedmem_lock_at_limbo_head))
        lock.storeReleasing(UInt64(limbo.tail.number), Int(sharedmem_lock_at_limbo_tail))
        lock.storeReleasing(limbo.granuleCount, Int(sharedmem_lock_at_limbo_granules))
    }

    /// Recovers a transaction whose writer died; true: it was committed and stays.
    ///
    /// Models: `tx.pml` and `write.pml`.
    func recoverTransaction(isAborting: Bool) throws(StoreError) -> Bool {
        let version = lock.load(Int(sharedmem_lock_at_transaction_version))
        if isAborting {
            try dropOwnedBlock()
            try finishAbort()
            return false
        }
        if data.load(Int(sharedmem_at_commit_number)) >= version {
            try dropOwnedBlock()
            try finishTransaction()
            return true
        }
        try abortTransaction()
        return false
    }

    /// Clears the taken block if the transaction owns it already: its list, or the record of its last entry.
    ///
    /// Model: `write.pml`.
    private func dropOwnedBlock() throws(StoreError) {
        let taken = Block(number: UInt32(truncatingIfNeeded: lock.load(Int(sharedmem_lock_at_undo_state)) >> 32))
        if taken == .none { return }
        let transaction = try loadTransaction()
        var isOwned = taken == transaction.list
        if !isOwned, transaction.count > 0 {
            isOwned = try entry(transaction.count &- 1, of: transaction).new.block == taken
        }
        if isOwned { lock.storeReleasing(0, Int(sharedmem_lock_at_undo_state)) }
    }
}
