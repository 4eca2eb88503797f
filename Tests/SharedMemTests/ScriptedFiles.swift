import CSharedMem
import Foundation
import LinuxIPC
import SharedMemProtocol
import SharedMemStore
import Synchronization

/// The files of one generation, as a daemon makes them.
final class ScriptedSegment: Sendable {
    let segmentID: UInt64
    let generation: UInt64
    private let geometry: Geometry
    private let data: MemoryFile
    private let readOnlyData: MemoryFile
    private let lock: MemoryFile

    init(segmentID: UInt64, generation: UInt64, byteCount: UInt64 = 1 << 20) throws {
        self.segmentID = segmentID
        self.generation = generation
        geometry = try Geometry(planning: byteCount, entryCount: 0)
        data = try MemoryFile.create(label: "scripted-data")
        lock = try MemoryFile.create(label: "scripted-lock")
        try data.reserve(byteCount: geometry.dataByteCount)
        try lock.reserve(byteCount: geometry.lockByteCount)
        readOnlyData = try data.reopenedReadOnly()
        try unsafe withMappings { data, lock in
            let identity = Geometry.Identity(
                segmentID: segmentID, generation: generation, hashSeed: generation, createdAt: 1)
            unsafe Store.format(geometry, identity: identity, data: data, lock: lock)
        }
    }

    private func withMappings(
        _ body: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) throws -> Void
    ) throws {
        let dataMapping = try Mapping(
            of: data, byteCount: geometry.dataByteCount, access: .readWrite, isPrivateToProcess: true)
        let lockMapping = try Mapping(
            of: lock, byteCount: geometry.lockByteCount, access: .readWrite, isPrivateToProcess: true)
        try unsafe body(dataMapping.baseAddress, lockMapping.baseAddress)
    }

    /// Says in both files that there is a newer generation, and wakes all who wait.
    func retire() throws {
        try unsafe withMappings { data, lock in
            let dataBytes = unsafe SharedBytes(data, byteCount: geometry.dataByteCount)
            let lockBytes = unsafe SharedBytes(lock, byteCount: geometry.lockByteCount)
            dataBytes.store32(UInt32(SHAREDMEM_STATE_RETIRED), Int(sharedmem_at_state))
            lockBytes.store32(UInt32(SHAREDMEM_LOCK_RETIRED), Store.lockWordOffset)
            let word = unsafe lock.advanced(by: Store.lockWordOffset).assumingMemoryBound(to: UInt32.self)
            unsafe Futex.wake(word, count: Int32.max)
        }
        try tellWatchers()
    }

    /// Wakes all who watch.
    private func tellWatchers() throws {
        try unsafe withMappings { data, lock in
            let store = try unsafe Store(
                data: SharedBytes(data, byteCount: geometry.dataByteCount),
                lock: SharedBytes(lock, byteCount: geometry.lockByteCount), session: 1)
            store.notify(everything: true).forEach { index in
                let word = unsafe data.advanced(by: NotifyWords.offset(of: index)).assumingMemoryBound(to: UInt32.self)
                unsafe Futex.wake(word, count: Int32.max)
            }
        }
    }

    /// Says that words are watched, from here on; or takes back what is.
    func watch(_ words: WatchSet?) throws {
        try unsafe withMappings { data, lock in
            let store = try unsafe Store(
                data: SharedBytes(data, byteCount: geometry.dataByteCount),
                lock: SharedBytes(lock, byteCount: geometry.lockByteCount), session: 1)
            let old = store.watched
            store.setWatched(
                words.map {
                    NotifyWords(stripes: old.stripes | $0.stripes, segment: old.segment || $0.segment)
                } ?? NotifyWords())
        }
    }

    /// Makes the file what that of a segment is that was removed.
    func markRemoved() throws {
        try unsafe withMappings { data, _ in
            let dataBytes = unsafe SharedBytes(data, byteCount: geometry.dataByteCount)
            dataBytes.store32(UInt32(SHAREDMEM_STATE_REMOVED), Int(sharedmem_at_state))
        }
        try tellWatchers()
    }

    func attachment(_ access: Access) -> Attachment {
        Attachment(
            segmentID: segmentID, generation: generation, dataByteCount: UInt64(geometry.dataByteCount),
            lockByteCount: access == .readWrite ? UInt64(geometry.lockByteCount) : 0, access: access)
    }

    func descriptors(_ access: Access) -> [CInt] {
        access == .readWrite
            ? [data.descriptor.rawValue, lock.descriptor.rawValue] : [readOnlyData.descriptor.rawValue]
    }
}

/// A life file whose word the test sets, as the kernel and the daemon do.
struct ScriptedLife: ~Copyable {
    private var file: MemoryFile?
    private var readOnly: MemoryFile?
    private var mapping: Mapping?
    private var thread: UInt32 = 100

    init() {}

    private var word: UnsafeMutablePointer<Atomic<UInt32>>? {
        switch mapping {
        case .some(let mapping): unsafe mapping.baseAddress.assumingMemoryBound(to: Atomic<UInt32>.self)
        case .none: nil
        }
    }

    /// Stores the number of a thread that lives.
    mutating func begin() throws(Errno) {
        if file == nil {
            let made = try MemoryFile.create(label: "scripted-life")
            try made.reserve(byteCount: 4096)
            mapping = try Mapping(of: made, byteCount: 4096, access: .readWrite, isPrivateToProcess: false)
            readOnly = try made.reopenedReadOnly()
            file = consume made
        }
        thread += 1
        unsafe word?.pointee.store(thread, ordering: .releasing)
    }

    /// Does what the kernel does when the thread dies.
    func end() { _ = unsafe word?.pointee.bitwiseOr(1 << 30, ordering: .sequentiallyConsistent) }

    func descriptor() -> CInt {
        switch readOnly {
        case .some(let file): file.descriptor.rawValue
        case .none: -1
        }
    }
}
