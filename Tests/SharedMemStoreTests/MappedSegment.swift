import LinuxIPC
import SharedMemStore

/// The memory files of a generation with two writable mappings of each and a read-only one of the data.
final class MappedSegment {
    let geometry: Geometry
    private let data: [Mapped]
    private let lock: [Mapped]

    /// A mapping that an array can hold.
    private final class Mapped {
        let mapping: Mapping

        init(_ file: borrowing MemoryFile, byteCount: Int, access: Mapping.Access) throws(Errno) {
            mapping = try Mapping(of: file, byteCount: byteCount, access: access, isPrivateToProcess: true)
        }

        var bytes: SharedBytes { unsafe SharedBytes(mapping.baseAddress, byteCount: mapping.byteCount) }
        var contents: [UInt8] {
            unsafe [UInt8](UnsafeRawBufferPointer(start: mapping.baseAddress, count: mapping.byteCount))
        }
    }

    /// Makes the files with the bytes of `image`.
    init(_ image: TestSegment.Image) throws {
        geometry = image.geometry
        let dataFile = try MemoryFile.create(label: "two-mappings-data")
        try dataFile.reserve(byteCount: image.data.count)
        let lockFile = try MemoryFile.create(label: "two-mappings-lock")
        try lockFile.reserve(byteCount: image.lock.count)
        var data: [Mapped] = []
        var lock: [Mapped] = []
        for _ in 0..<2 {
            data.append(try Mapped(dataFile, byteCount: image.data.count, access: .readWrite))
            lock.append(try Mapped(lockFile, byteCount: image.lock.count, access: .readWrite))
        }
        data.append(try Mapped(dataFile.reopenedReadOnly(), byteCount: image.data.count, access: .readOnly))
        unsafe data[0].mapping.baseAddress.copyMemory(from: image.data, byteCount: image.data.count)
        unsafe lock[0].mapping.baseAddress.copyMemory(from: image.lock, byteCount: image.lock.count)
        self.data = data
        self.lock = lock
    }

    /// Where a file's first byte is in each of its mappings.
    var dataAddresses: Set<UInt> { Set(data.map { unsafe UInt(bitPattern: $0.mapping.baseAddress) }) }

    /// A store over the first or the second mapping; the same session unless the caller says another.
    func writer(_ number: Int, session: UInt32 = 1, fault: SeededFault? = nil) throws -> Store {
        var store = try Store(data: data[number].bytes, lock: lock[number].bytes, session: session)
        store.seededFault = fault
        return store
    }

    /// A store over the read-only mapping.
    func reader() throws -> Store { try Store(readOnly: data[2].bytes) }

    /// Both files as one of the mappings shows them.
    func image(_ number: Int) -> TestSegment.Image {
        TestSegment.Image(geometry: geometry, data: data[number].contents, lock: lock[number].contents)
    }

    /// Makes recorded stores, in turns through both mappings.
    func apply(_ steps: ArraySlice<StoreRecorder.Step>) {
        for (index, step) in steps.enumerated() {
            let bytes = (step.isLock ? lock : data)[index % 2].bytes
            if step.byteCount == 8 {
                bytes.store(step.value, step.offset)
            } else {
                bytes.store32(UInt32(step.value), step.offset)
            }
        }
    }
}
