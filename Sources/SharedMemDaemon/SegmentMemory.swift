internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// The memory files of one generation of a segment; closing them gives the memory back when nobody has it mapped.
final class SegmentMemory: Sendable {
    /// The data file, writable.
    let data: MemoryFile
    /// The same file, opened read-only: what readers get.
    let readOnlyData: MemoryFile
    /// The lock file.
    let lock: MemoryFile
    /// Bytes of the data file.
    let dataByteCount: Int
    /// Bytes of the lock file.
    let lockByteCount: Int
    /// When it was made: ns since the epoch.
    let createdAt: UInt64

    /// Makes the files, reserves and formats them; may take a second for each GiB.
    init(segmentID: UInt64, definition: SegmentDefinition) throws(Failure) {
        let geometry: Geometry
        do throws(StoreError) {
            geometry = try Geometry(planning: definition.byteCount, entryCount: definition.entryCount)
        } catch {
            throw Failure(errno: .invalidArgument, reason: "\(error)")
        }
        let createdAt = SystemClock.realtime()
        do throws(Errno) {
            let data = try MemoryFile.create(label: "sharedmem:\(definition.name)")
            let lock = try MemoryFile.create(label: "sharedmem-lock:\(definition.name)")
            try data.reserve(byteCount: geometry.dataByteCount)
            try lock.reserve(byteCount: geometry.lockByteCount)
            let dataMapping = try Mapping(
                of: data, byteCount: geometry.dataByteCount, access: .readWrite, isPrivateToProcess: false)
            let lockMapping = try Mapping(
                of: lock, byteCount: geometry.lockByteCount, access: .readWrite, isPrivateToProcess: false)
            // Kernels give shared memory huge pages by themselves only if they are told to.
            dataMapping.makeHugePages()
            let identity = Geometry.Identity(
                segmentID: segmentID, generation: 1, hashSeed: .random(in: 0 ... .max), createdAt: createdAt)
            // Both mappings are whole and zero: the files were just made of that size.
            unsafe Store.format(
                geometry, identity: identity, data: dataMapping.baseAddress, lock: lockMapping.baseAddress)
            try data.seal()
            try lock.seal()
            self.readOnlyData = try data.reopenedReadOnly()
            self.data = data
            self.lock = lock
        } catch {
            throw Failure(errno: error, reason: "\(error)")
        }
        self.dataByteCount = geometry.dataByteCount
        self.lockByteCount = geometry.lockByteCount
        self.createdAt = createdAt
    }

    /// Tells everybody who has the data file mapped that the segment is gone.
    func markRemoved() throws(Errno) {
        let mapping = try Mapping(of: data, byteCount: dataByteCount, access: .readWrite, isPrivateToProcess: false)
        // The mapping holds the whole header: the file is sealed at its size.
        unsafe Store.markRemoved(data: mapping.baseAddress)
    }

    /// Why the files can't be made.
    struct Failure: Error, Sendable {
        /// The system's reason.
        let errno: Errno
        /// A sentence without a full stop.
        let reason: String
    }
}
