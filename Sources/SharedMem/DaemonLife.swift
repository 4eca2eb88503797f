internal import LinuxIPC
internal import SharedMemProtocol
internal import Synchronization

/// The word that names the daemon's thread as long as that lives, mapped read-only; the kernel changes it at its death.
final class DaemonLife: Sendable {
    private let mapping: Mapping
    private let inode: UInt64
    private let device: UInt64

    /// Bytes of the file that are looked at: its first word.
    private static var byteCount: Int { 4 }

    /// The bit that the kernel sets when the thread dies: FUTEX_OWNER_DIED of `futex(2)`.
    private static var diedBit: UInt32 { 1 << 30 }

    /// Maps the file that came with a greeting.
    static func mapping(_ file: borrowing MemoryFile) throws(SharedMemError) -> DaemonLife {
        do throws(Errno) {
            let status = try file.descriptor.status()
            // The mapping must not be longer than the file: the rest would fault.
            guard status.byteCount >= Self.byteCount else { throw .invalidArgument }
            return DaemonLife(
                try Mapping(of: file, byteCount: Self.byteCount, access: .readOnly, isPrivateToProcess: true), status)
        } catch {
            throw SharedMemError(error, "mapping the daemon's life file")
        }
    }

    // Embedded Swift leaks the object of a designated initialiser that throws before all of it is set.
    private init(_ mapping: consuming Mapping, _ status: FileStatus) {
        self.mapping = mapping
        inode = status.inode
        device = status.device
    }

    /// Whether `file` is the one that is mapped: a restarted daemon takes it over.
    func isMapped(from file: borrowing MemoryFile) throws(SharedMemError) -> Bool {
        do throws(Errno) {
            let status = try file.descriptor.status()
            return status.inode == inode && status.device == device
        } catch {
            throw SharedMemError(error, "looking at the daemon's life file")
        }
    }

    /// Where the word is; as long as this object lives, in the process that made it.
    @unsafe var pointer: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe mapping.baseAddress.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// The word now; nil: the daemon is dead.
    var word: UInt32? {
        // SYNC: what the daemon did before it stored its thread's number is visible; pairs with the daemon's store.
        let word = unsafe pointer.pointee.load(ordering: .acquiring)
        return word == 0 || word & Self.diedBit != 0 ? nil : word
    }
}

/// What the daemon knows this process as, over all connections: what was attached and pinned belongs to it.
///
/// A session that the daemon has forgotten is followed by another lineage; so is a forked child's.
final class Lineage: Sendable {
    /// What this process puts into lock words.
    let sessionID: UInt32
    /// Whether the daemon lives.
    let life: DaemonLife

    init(sessionID: UInt32, life: DaemonLife) {
        self.sessionID = sessionID
        self.life = life
    }
}
