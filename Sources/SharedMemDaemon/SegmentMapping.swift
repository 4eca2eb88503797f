internal import LinuxIPC
internal import SharedMemStore

/// The daemon's own writable view of a generation's files: for pins, repair, looks at the lock word and the switch.
///
/// Nothing in the memory is believed: sizes and geometry are the daemon's own.
final class SegmentMapping: Sendable {
    /// The data file.
    private let dataFile: GuardedMapping
    /// The lock file.
    private let lockFile: GuardedMapping

    /// Maps both files; what isn't touched takes no memory.
    init(
        data: borrowing MemoryFile, _ dataByteCount: Int, lock: borrowing MemoryFile, _ lockByteCount: Int
    ) throws(Errno) {
        dataFile = try GuardedMapping(of: data, byteCount: dataByteCount)
        lockFile = try GuardedMapping(of: lock, byteCount: lockByteCount)
    }

    /// Whether the files have lost pages that were touched here.
    var isDamaged: Bool { dataFile.isDamaged || lockFile.isDamaged }

    /// The data file's bytes, as long as this object lives.
    var dataBytes: SharedBytes {
        unsafe SharedBytes(dataFile.mapping.baseAddress, byteCount: dataFile.mapping.byteCount)
    }

    /// The lock file's bytes, as long as this object lives.
    var lockBytes: SharedBytes {
        unsafe SharedBytes(lockFile.mapping.baseAddress, byteCount: lockFile.mapping.byteCount)
    }

    /// Writes a new generation's headers; only before anybody else has the files.
    func format(_ geometry: Geometry, _ identity: Geometry.Identity) {
        // Kernels give shared memory huge pages by themselves only if they are told to.
        dataFile.mapping.makeHugePages()
        // Both mappings are as long as the geometry says, and the files are zero: they were just made of that size.
        unsafe Store.format(
            geometry, identity: identity, data: dataFile.mapping.baseAddress, lock: lockFile.mapping.baseAddress)
    }

    /// Wakes everybody who sleeps on the lock word.
    func wakeLockWaiters() { lockFile.mapping.wake(at: Store.lockWordOffset, count: .max) }

    /// Wakes one of those who sleep on the lock word.
    func wakeLockWaiter() { lockFile.mapping.wake(at: Store.lockWordOffset, count: 1) }

    /// Wakes everybody who sleeps on these notify words.
    func wakeWatchers(of words: NotifyWords) {
        words.forEach { dataFile.mapping.wake(at: NotifyWords.offset(of: $0), count: .max) }
    }

    /// Sleeps while the lock word is `word`, at most so many nanoseconds.
    func waitForLock(while word: UInt32, nanoseconds: UInt64) {
        _ = lockFile.mapping.wait(at: Store.lockWordOffset, while: word, nanoseconds: nanoseconds)
    }
}
