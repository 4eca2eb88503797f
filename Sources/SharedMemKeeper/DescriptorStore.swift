package import LinuxIPC

/// Keeps descriptors under names while the servers that stored them come and go.
package struct DescriptorStore: Sendable {
    /// One descriptor that is kept.
    package struct Entry: Sendable {
        /// Its name, which others may have too.
        package let name: String
        /// The descriptor.
        package let held: HeldDescriptor
        /// What it leads to.
        let file: File
    }

    /// What a descriptor leads to, and how.
    struct File: Equatable, Sendable {
        /// The file's device.
        let device: UInt64
        /// The file's number on its device.
        let inode: UInt64
        /// `O_RDONLY`, `O_WRONLY` or `O_RDWR`.
        let accessMode: Int32
    }

    /// What became of a descriptor.
    package enum Outcome: Equatable, Sendable {
        /// It is kept.
        case kept
        /// The same file is kept under the same name.
        case keptAlready
        /// As many are kept as there may be.
        case full
        /// All names together would be longer than one variable of the environment can be.
        case namesTooLong
    }

    /// What is kept, in the order in which it came.
    package private(set) var entries: [Entry] = []
    /// How many descriptors are kept at most.
    package let limit: Int
    /// How long LISTEN_FDNAMES is, in bytes, with a separator for each name.
    private var namesByteCount = 0

    /// The bytes that all names may have: the kernel passes no variable of more than 128 KiB, and a server that can't
    /// be started has lost them all.
    static let maximumNamesByteCount = 120 << 10

    /// Makes a store that keeps at most `limit` descriptors.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Keeps a descriptor under a name.
    package mutating func keep(_ held: HeldDescriptor, name: String) throws(Errno) -> Outcome {
        let status = try held.descriptor.status()
        let file = File(
            device: status.device, inode: status.inode, accessMode: try held.descriptor.accessMode())
        guard !entries.contains(where: { $0.file == file && $0.name == name }) else { return .keptAlready }
        guard entries.count < limit else { return .full }
        guard namesByteCount + name.utf8.count < Self.maximumNamesByteCount else { return .namesTooLong }
        entries.append(Entry(name: name, held: held, file: file))
        namesByteCount += name.utf8.count + 1
        return .kept
    }

    /// Drops all descriptors of a name and returns how many they were.
    package mutating func remove(name: String) -> Int {
        let before = entries.count
        entries.removeAll { $0.name == name }
        namesByteCount -= (before - entries.count) * (name.utf8.count + 1)
        return before - entries.count
    }
}
