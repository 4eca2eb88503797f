internal import CSharedMem
internal import Synchronization

/// One key of a listing.
package struct KeyInfo: Equatable, Sendable {
    /// Bytes of the key.
    package let byteCount: Int
    /// ns of CLOCK_BOOTTIME; 0: never.
    package let expiresAt: UInt64
}

extension Store {
    /// Copies the next key behind `cursor` into `buffer` (512 bytes are always enough) and moves the cursor on.
    ///
    /// Returns nil at the end. A cursor begins at 0. Nothing in the index moves, so a key that stays while the cursor
    /// passes is named exactly once; one that is set or deleted meanwhile may be named or not.
    package func nextKey(
        after cursor: inout UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> KeyInfo? {
        let slots = Int(SHAREDMEM_BUCKET_SLOTS)
        let end = geometry.bucketCount &* slots
        var attempts = 0
        while let position = Int(exactly: cursor), position < end {
            let slot = bucketOffset(position / slots) &+ position % slots &* 8
            switch unsafe try readKey(slot: slot, into: buffer) {
            case .found(let key):
                cursor &+= 1
                try checkState()
                return key
            case .absent: cursor &+= 1
            case .overtaken:
                attempts += 1
                if attempts > Self.readLimit { throw .busy }
            }
        }
        try checkState()
        return nil
    }

    /// How one try to read a key ended.
    private enum KeyAttempt {
        /// The key was copied.
        case found(KeyInfo)
        /// The slot holds nothing that a reader sees.
        case absent
        /// Memory was reused meanwhile: again.
        case overtaken
    }

    private func readKey(slot: Int, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> KeyAttempt {
        let epoch = data.loadAcquiring(Int(sharedmem_at_reuse_epoch))
        // SYNC: as in `read(slot:_:_:into:)`.
        let entry = Reference(bits: data.loadAcquiring(slot))
        if entry.isEmpty { return .absent }
        let reading = Reading(slotOffset: slot, entry: entry, epoch: epoch)
        guard let record = Record(entry.block, in: geometry), let extent = record.extent(data, in: geometry) else {
            if isValid(reading, version: entry.bits) { throw .corrupted(.record) }
            return .overtaken
        }
        let header = RecordHeader(data, at: record.offset)
        if extent.keyByteCount <= buffer.count, let target = buffer.baseAddress {
            unsafe data.copyOut(record.keyOffset, to: target, count: extent.keyByteCount)
        }
        if header.isPending {
            // SYNC: as in `readPending`.
            atomicMemoryFence(ordering: .acquiring)
            let committed = data.loadAcquiring(Int(sharedmem_at_commit_number))
            guard data.load(slot) == entry.bits else { return .overtaken }
            let isGone = header.version <= committed ? header.isTombstone : header.link == .none
            if isGone { return isUnreplaced(reading) ? .absent : .overtaken }
        }
        guard isValid(reading, version: header.version) else { return .overtaken }
        guard extent.keyByteCount <= buffer.count else { throw .bufferTooSmall(needed: extent.keyByteCount) }
        return .found(KeyInfo(byteCount: extent.keyByteCount, expiresAt: header.expiresAt))
    }
}
