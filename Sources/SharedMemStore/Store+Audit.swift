internal import CSharedMem

// The whole of a generation held against its invariants. For tests, benchmarks and repair; takes time in proportion to
// the segment and needs a lock word that nobody else uses meanwhile.

/// An invariant that doesn't hold.
package struct AuditFailure: Error, Sendable, CustomStringConvertible {
    /// One sentence: what was found and what was expected.
    package let description: String
}

/// What an audit counted.
package struct Audit: Equatable, Sendable {
    /// Keys in the index.
    package var recordCount = 0
    /// Granules of their records.
    package var recordGranuleCount = 0
    /// Records in limbo.
    package var limboCount = 0
    /// Granules of the records in limbo.
    package var limboGranuleCount = 0
    /// Free blocks.
    package var freeBlockCount = 0
    /// Granules of the free blocks.
    package var freeGranuleCount = 0
}

extension Store {
    /// Checks every invariant of index, limbo and heap and counts what there is.
    ///
    /// The invariants: records, limbo and free blocks tile the heap without overlap or gap; no two free blocks are
    /// neighbours; lists, maps, edges and boundary tags agree; every key is within its home's reach and stands once; the
    /// counters are exact.
    package func audit() throws(AuditFailure) -> Audit {
        var audit = Audit()
        var claims = Claims(granuleCount: geometry.heapGranuleCount)
        try auditIndex(&audit, &claims)
        try auditLimbo(&audit, &claims)
        try auditFreeBlocks(&audit, &claims)
        try auditCounters(audit)
        return audit
    }

    private func auditIndex(_ audit: inout Audit, _ claims: inout Claims) throws(AuditFailure) {
        let slots = Int(SHAREDMEM_BUCKET_SLOTS)
        var key = [UInt8](repeating: 0, count: Record.keyLimit)
        for number in 0..<geometry.bucketCount * slots {
            let slot = bucketOffset(number / slots) + number % slots * 8
            let reference = Reference(bits: data.load(slot))
            if reference.isEmpty { continue }
            guard let record = Record(reference.block, in: geometry), let extent = record.extent(data, in: geometry)
            else { throw AuditFailure(description: "slot " + String(number) + " names no record inside the heap") }
            guard reference.names(version: data.load(record.offset + Int(sharedmem_record_version))) else {
                throw AuditFailure(description: "slot " + String(number) + " names another version than its record")
            }
            guard claims.claim(Int(reference.block.number) - geometry.firstBlock, count: extent.granuleCount) else {
                throw AuditFailure(description: "the record of slot " + String(number) + " overlaps another")
            }
            let found: Int? = unsafe key.withUnsafeMutableBytes { buffer in
                guard let start = buffer.baseAddress else { return nil }
                unsafe data.copyOut(record.keyOffset, to: start, count: extent.keyByteCount)
                let bytes = unsafe UnsafeRawBufferPointer(start: start, count: extent.keyByteCount)
                do throws(StoreError) {
                    return unsafe try position(of: bytes, KeyHash(bytes, seed: geometry.hashSeed))?.slotOffset
                } catch {
                    return nil
                }
            }
            guard found == slot else {
                throw AuditFailure(
                    description: "the key of slot " + String(number) + " is found elsewhere or not at all")
            }
            audit.recordCount += 1
            audit.recordGranuleCount += extent.granuleCount
        }
    }

    private func auditLimbo(_ audit: inout Audit, _ claims: inout Claims) throws(AuditFailure) {
        var number = lock.load(Int(sharedmem_lock_at_limbo_head))
        var last: UInt64 = 0
        while number != 0 {
            guard let short = UInt32(exactly: number), let record = Record(Block(number: short), in: geometry),
                let extent = record.extent(data, in: geometry),
                claims.claim(Int(short) - geometry.firstBlock, count: extent.granuleCount)
            else { throw AuditFailure(description: "limbo holds block " + String(number) + ", which is not its own") }
            audit.limboCount += 1
            audit.limboGranuleCount += extent.granuleCount
            last = number
            number = UInt64(data.load32(record.offset + Int(sharedmem_record_link)))
        }
        guard lock.load(Int(sharedmem_lock_at_limbo_tail)) == last else {
            throw AuditFailure(description: "limbo's tail is not its last record")
        }
    }

    private func auditFreeBlocks(_ audit: inout Audit, _ claims: inout Claims) throws(AuditFailure) {
        var inLists = 0
        for first in 0..<SizeClass.firstCount {
            for second in 0..<SizeClass.secondCount {
                inLists += try auditList(SizeClass(first: first, second: second), &audit, &claims)
            }
        }
        var edges = 0
        for granule in 0..<geometry.heapGranuleCount {
            guard claims.isClaimed(granule) else {
                throw AuditFailure(description: "granule " + String(granule) + " belongs to nothing: it leaked")
            }
            let word = lock.load(geometry.edgesOffset + granule / 64 * 8)
            if word >> UInt64(granule & 63) & 1 == 1 { edges += 1 }
        }
        guard edges == inLists else {
            throw AuditFailure(
                description: "the edges bitmap has " + String(edges) + " bits, the lists need " + String(inLists))
        }
    }

    /// Checks one list; returns the edge bits its blocks need.
    private func auditList(_ list: SizeClass, _ audit: inout Audit, _ claims: inout Claims) throws(AuditFailure) -> Int
    {
        let name = "free list " + String(list.first) + "/" + String(list.second)
        var number = lock.load(Int(sharedmem_lock_at_lists) + (list.first * SizeClass.secondCount + list.second) * 8)
        let map = lock.load(Int(sharedmem_lock_at_second_level_maps) + list.first * 8)
        guard (map >> UInt64(list.second) & 1 == 1) == (number != 0) else {
            throw AuditFailure(description: name + " and its bit in the map disagree")
        }
        guard map == 0 || lock.load(Int(sharedmem_lock_at_first_level_map)) >> UInt64(list.first) & 1 == 1 else {
            throw AuditFailure(description: name + " is missing in the first-level map")
        }
        var previous: UInt64 = 0
        var edges = 0
        while number != 0 {
            guard let short = UInt32(exactly: number), geometry.contains(Block(number: short)) else {
                throw AuditFailure(description: name + " names a block outside the heap")
            }
            let block = Block(number: short)
            let size = data.load(block.offset + Int(sharedmem_free_block_granule_count))
            let start = Int(short) - geometry.firstBlock
            guard geometry.contains(block, granuleCount: size), SizeClass(holding: Int(size)) == list,
                claims.claim(start, count: Int(size))
            else { throw AuditFailure(description: name + " holds block " + String(short) + ", which is not its own") }
            let last = block.offset + (Int(size) - 1) * 64
            guard data.load(last + Int(sharedmem_free_block_last)) == size,
                data.load(block.offset + Int(sharedmem_free_block_previous)) == previous
            else {
                throw AuditFailure(description: "block " + String(short) + " of " + name + " has a wrong tag or link")
            }
            let ends = [start, start + Int(size) - 1]
            for end in ends where lock.load(geometry.edgesOffset + end / 64 * 8) >> UInt64(end & 63) & 1 != 1 {
                throw AuditFailure(description: "block " + String(short) + " of " + name + " has no edge bit")
            }
            edges += size == 1 ? 1 : 2
            let next = start + Int(size)
            if next < geometry.heapGranuleCount,
                lock.load(geometry.edgesOffset + next / 64 * 8) >> UInt64(next & 63) & 1 == 1
            {
                throw AuditFailure(description: "block " + String(short) + " of " + name + " has a free neighbour")
            }
            audit.freeBlockCount += 1
            audit.freeGranuleCount += Int(size)
            previous = number
            number = data.load(block.offset + Int(sharedmem_free_block_next))
        }
        return edges
    }

    private func auditCounters(_ audit: Audit) throws(AuditFailure) {
        let counters = [
            ("records", audit.recordCount, Int(sharedmem_lock_at_record_count)),
            ("granules in limbo", audit.limboGranuleCount, Int(sharedmem_lock_at_limbo_granules)),
            ("free granules", audit.freeGranuleCount, Int(sharedmem_lock_at_free_granules)),
        ]
        for (name, counted, offset) in counters where lock.load(offset) != UInt64(counted) {
            throw AuditFailure(
                description: "counted " + String(counted) + " " + name + ", the header says "
                    + String(lock.load(offset)))
        }
    }
}
