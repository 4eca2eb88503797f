internal import CXXHash
internal import Glibc
package import LinuxIPC
package import SharedMemBroker

/// The session table: a memory file that keeps the broker's saved state over the daemon's death.
///
/// Two slots, each with room for a whole state behind a header:
///
///     offset  bytes
///          0      8  magic
///          8      4  format version
///         12      4  0
///         16      8  sequence number: counts the saves, from 1
///         24      8  bytes of the state
///         32      8  XXH3 of the header's first 32 bytes and the state
///         40         the state: see `SavedState.encoded()`
///
/// A save writes the slot that holds the older state, in one call; a load takes the whole slot with the highest sequence
/// number. Whatever a kill leaves of a save, in whatever order, the checksum differs and the other slot is whole. Written
/// by pwrite(2), not mapped: on a machine without memory that is an error and no signal.
package struct SessionTable: ~Copyable {
    /// The file; nobody else ever gets it.
    package let file: MemoryFile
    /// The sequence number of the newest state.
    private var sequence: UInt64

    /// The first bytes of a slot: "SHMSESSN".
    private static let magic: UInt64 = 0x4e53_5345_534d_4853
    /// The format that is written here; those before it are read, too.
    package static let version: UInt32 = 2
    /// Bytes of a slot's header.
    package static let headerByteCount = 40
    /// Bytes from one slot to the next; what isn't written takes no memory.
    package static let slotStride = 1 << 30

    /// Makes an empty table: `memfd_create(2)`.
    package static func create() throws(Errno) -> SessionTable {
        SessionTable(file: try MemoryFile.create(label: "sharedmem-sessions"), sequence: 0)
    }

    private init(file: consuming MemoryFile, sequence: UInt64) {
        self.file = file
        self.sequence = sequence
    }

    /// What a file holds.
    package enum Contents: Equatable {
        /// The newest state.
        case state(SavedState)
        /// Nothing was ever saved.
        case nothing
        /// Neither slot is whole.
        case damaged
        /// The newest state is of a format that this program doesn't know.
        case newer(version: UInt32)
    }

    /// Takes over the file of an earlier daemon, and says what it holds.
    package static func adopting(
        _ file: consuming MemoryFile, contents: inout Contents
    ) throws(Errno) -> SessionTable {
        let slots = [try slot(0, of: file), try slot(1, of: file)]
        guard let newest = slots.compactMap(\.self).max(by: { $0.sequence < $1.sequence }) else {
            contents = try file.byteCount() == 0 ? .nothing : .damaged
            return SessionTable(file: file, sequence: 0)
        }
        if newest.version > version {
            contents = .newer(version: newest.version)
        } else {
            contents = SavedState(decoding: newest.state, version: newest.version).map { .state($0) } ?? .damaged
        }
        return SessionTable(file: file, sequence: newest.sequence)
    }

    /// Keeps a state; when this returns it survives the daemon.
    package mutating func save(_ state: SavedState) throws(Errno) {
        let slot = Self.save(state, sequence: sequence + 1)
        try file.descriptor.write(slot.bytes, at: slot.offset)
        sequence += 1
    }
}

// MARK: - The format

extension SessionTable {
    /// A slot as it is written.
    package struct Image: Equatable {
        /// Where: bytes from the file's start.
        package var offset: Int
        /// What.
        package var bytes: [UInt8]
    }

    /// What a save writes.
    package static func save(
        _ state: SavedState, sequence: UInt64, version: UInt32 = version
    ) -> Image {
        let bytes = state.encoded(version: version)
        let start = Int(sequence % 2) * slotStride
        var header: [UInt8] = []
        header.append(littleEndian: magic)
        header.append(littleEndian: version)
        header.append(littleEndian: UInt32(0))
        header.append(littleEndian: sequence)
        header.append(littleEndian: UInt64(bytes.count))
        header.append(littleEndian: checksum(header, bytes))
        return Image(offset: start, bytes: header + bytes)
    }

    /// A slot that is whole.
    private struct Slot {
        let version: UInt32
        let sequence: UInt64
        let state: [UInt8]
    }

    /// Reads a slot; nil: it isn't whole.
    private static func slot(_ index: Int, of file: borrowing MemoryFile) throws(Errno) -> Slot? {
        let start = index * slotStride
        let header = try file.descriptor.read(headerByteCount, at: start)
        guard header.count == headerByteCount, header.integer(at: 0) == magic else { return nil }
        let count = header.integer(at: 24)
        // A damaged length mustn't cost more memory than the file has.
        guard count <= UInt64(max(0, try file.byteCount() - start - headerByteCount)) else { return nil }
        let state = try file.descriptor.read(Int(count), at: start + headerByteCount)
        guard state.count == Int(count), header.integer(at: 32) == checksum(Array(header[..<32]), state) else {
            return nil
        }
        return Slot(
            version: UInt32(truncatingIfNeeded: header.integer(at: 8)), sequence: header.integer(at: 16), state: state)
    }

    /// XXH3 of the header's first bytes and the state.
    private static func checksum(_ header: [UInt8], _ state: [UInt8]) -> UInt64 {
        let whole = header + state
        return unsafe whole.withUnsafeBytes { unsafe sharedmem_xxh3($0.baseAddress, $0.count, 0) }
    }
}

extension [UInt8] {
    /// Appends an integer.
    fileprivate mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }

    /// The 8 bytes at `offset` as an integer.
    fileprivate func integer(at offset: Int) -> UInt64 {
        self[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

// MARK: - System calls

extension FileDescriptor {
    /// Writes all of `bytes` at `offset`: `pwrite(2)`.
    fileprivate borrowing func write(_ bytes: [UInt8], at offset: Int) throws(Errno) {
        var written = 0
        while written < bytes.count {
            let start = written
            let count = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(rawValue, $0.baseAddress?.advanced(by: start), $0.count - start, offset + start)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Errno(rawValue: count < 0 ? errno : EIO) }
            written += count
        }
    }

    /// Reads `count` bytes at `offset`, fewer at the end of the file: `pread(2)`.
    fileprivate borrowing func read(_ count: Int, at offset: Int) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let start = filled
            let got = unsafe bytes.withUnsafeMutableBytes {
                unsafe pread(rawValue, $0.baseAddress?.advanced(by: start), count - start, offset + start)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Errno(rawValue: errno) }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }
}
