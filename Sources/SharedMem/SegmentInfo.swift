internal import SharedMemProtocol

/// What a new segment is made of.
public struct SegmentOptions: Equatable, Sendable {
    /// Bytes of the data file, 64 KiB to 256 GiB, rounded up to whole pages; header and index are part of it.
    public var byteCount: UInt64 = 16 << 20
    /// Keys the index is made for; 0: as many records of 128 bytes as fit.
    public var entryCount: UInt64 = 0
    /// Permission bits: r to attach read-only, r and w to attach read-write.
    public var mode: UInt32 = 0o600
    /// The owner's uid; nil: the caller's.
    ///
    /// Another than one's own takes root.
    public var owner: UInt32?
    /// The group's gid; nil: the caller's.
    ///
    /// One that the caller isn't in takes root.
    public var group: UInt32?

    /// Options with their defaults: 16 MiB, for the caller alone.
    public init() {}
}

/// What the daemon says of a segment.
public struct SegmentInfo: Sendable {
    /// Its name.
    public let name: String
    /// Issued by the daemon, never reused.
    public let segmentID: UInt64
    /// Which pair of memory files is the newest; counts from 1.
    public let generation: UInt64
    /// Bytes of the data file.
    public let byteCount: UInt64
    /// Bytes of the lock file.
    public let lockByteCount: UInt64
    /// When it was made: nanoseconds since the epoch.
    public let createdAtNanoseconds: UInt64
    /// Permission bits.
    public let mode: UInt32
    /// The owner's uid.
    public let owner: UInt32
    /// The group's gid.
    public let group: UInt32
    /// Sessions that are attached now.
    public let sessionCount: Int
    /// The most that the caller would get; nil: nothing.
    public let access: Segment.Access?
    /// Whether the daemon's configuration names it.
    public let isConfigured: Bool

    init(_ description: SegmentDescription) {
        name = description.name.description
        segmentID = description.segmentID
        generation = description.generation
        byteCount = description.dataByteCount
        lockByteCount = description.lockByteCount
        createdAtNanoseconds = description.createdAt
        mode = description.mode
        owner = description.owner
        group = description.group
        sessionCount = Int(description.sessionCount)
        access =
            switch description.access {
            case .readOnly: .readOnly
            case .readWrite: .readWrite
            case nil: nil
            }
        isConfigured = description.isConfigured
    }
}
