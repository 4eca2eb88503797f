/// Why an operation of the store failed.
package enum StoreError: Error, Equatable, Sendable {
    /// The heap has no room: bytes needed, and the most that could be given.
    case full(needed: Int, available: Int)
    /// The heap has no room, and a session's pin keeps replaced records: bytes needed, the session, and the bytes kept.
    case pinned(needed: Int, session: UInt32, byteCount: Int)
    /// The value is larger than the whole heap: bytes needed, and the heap's.
    case valueTooLarge(needed: Int, available: Int)
    /// No slot is free within the reach of the key's home.
    case indexFull
    /// The buffer is too small: bytes needed.
    case bufferTooSmall(needed: Int)
    /// The key is too long: its bytes.
    case keyTooLong(Int)
    /// The memory holds what no writer of ours writes; where it was noticed.
    case corrupted(Place)
    /// The key has another version than was asked for; 0: it doesn't exist.
    case versionDiffers(actual: UInt64)
    /// The value has another type than the operation works on: its tag.
    case wrongType(UInt8)
    /// The sum has no room in 64 bits.
    case outOfRange
    /// A writer replaced the value again and again while it was read.
    case busy
    /// A newer generation holds the values.
    case retired
    /// The segment was removed.
    case removed
    /// The files aren't a generation that this library understands; what differs.
    case foreign(Difference)
    /// A segment can't have this many bytes.
    case sizeOutOfRange(UInt64)
    /// The index would leave no heap: keys asked for, and the most that are possible.
    case tooManyEntries(asked: UInt64, possible: UInt64)

    /// Where corruption was noticed.
    package enum Place: Equatable, Sendable {
        /// A reference or a record's lengths.
        case record
        /// A free block, a list of them or the edges bitmap.
        case heap
        /// The limbo queue.
        case limbo
        /// The intent or the undo area: what the last writer left is not what a writer of ours leaves.
        case intent
    }

    /// What makes a file foreign.
    package enum Difference: Equatable, Sendable {
        /// The file doesn't begin as such a file does.
        case magic
        /// The layout's major version, as found.
        case major(UInt16)
        /// A required feature that isn't known, as bits.
        case feature(UInt64)
        /// The checksum of the immutable part.
        case checksum
        /// A region is outside its file, or two files don't belong together.
        case geometry
    }
}

extension StoreError: CustomStringConvertible {
    /// One sentence without a full stop: what, and what was expected.
    package var description: String {
        switch self {
        case .full(let needed, let available):
            "the segment is full: the value needs " + String(needed) + " bytes and at most " + String(available)
                + " are free in one piece"
        case .pinned(let needed, let session, let count):
            "the segment is full: the value needs " + String(needed) + " bytes and session " + String(session)
                + " holds on to " + String(count) + " bytes of replaced values"
        case .valueTooLarge(let needed, let available):
            "the value is too large: it needs " + String(needed) + " bytes and the whole heap has " + String(available)
        case .indexFull: "the segment's index is full: make the segment with more entries"
        case .bufferTooSmall(let needed): "the buffer is too small: the value has " + String(needed) + " bytes"
        case .keyTooLong(let count): "the key has " + String(count) + " bytes, the longest allowed has 512"
        case .corrupted(.record): "the segment is corrupted: a record is not inside its heap"
        case .corrupted(.heap): "the segment is corrupted: a free block's size or links are wrong"
        case .corrupted(.limbo): "the segment is corrupted: the queue of replaced records is broken"
        case .corrupted(.intent):
            "the segment is corrupted: its last writer left a change that can't be finished or undone"
        case .versionDiffers(0): "the key doesn't exist"
        case .versionDiffers(let actual): "the key has version " + String(actual)
        case .wrongType(let tag): "the value has another type (tag " + String(tag) + ")"
        case .outOfRange: "the sum doesn't fit into 64 bits"
        case .busy: "the value was replaced faster than it could be read"
        case .retired: "the segment has moved to a newer generation"
        case .removed: "the segment was removed"
        case .foreign(.magic): "the memory file is not a segment's"
        case .foreign(.major(let major)):
            "the segment has layout version " + String(major) + ", this library understands version 1"
        case .foreign(.feature(let bits)):
            "the segment needs features (bits " + String(bits) + ") that this library doesn't know"
        case .foreign(.checksum): "the segment's header is damaged: its checksum differs"
        case .foreign(.geometry): "the segment's header is damaged: a region is outside its file"
        case .sizeOutOfRange(let count):
            "a segment of " + String(count) + " bytes is not possible: the size is "
                + String(Geometry.minimumByteCount) + " to " + String(Geometry.maximumByteCount) + " bytes"
        case .tooManyEntries(let asked, let possible):
            "an index for " + String(asked) + " entries leaves no room for values: at most " + String(possible)
                + " fit into this size"
        }
    }
}
