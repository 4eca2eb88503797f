internal import SharedMemProtocol

/// How the daemon is.
public struct DaemonStatistics: Sendable {
    /// Its version.
    public let version: String
    /// How it is, in words.
    public let status: String
    /// Its process, as it numbers processes itself.
    public let pid: Int32
    /// The user that it runs as.
    public let uid: UInt32
    /// When this process started: nanoseconds since the epoch.
    public let startedAtNanoseconds: UInt64
    /// When the first of those processes started that took the segments over from each other: nanoseconds since the
    /// epoch.
    public let firstStartedAtNanoseconds: UInt64
    /// How often the segments were taken over.
    public let restartCount: UInt64
    /// Who keeps the segments while the daemon is restarted.
    public let keeper: Keeper
    /// Descriptors that are kept so.
    public let keptDescriptorCount: Int
    /// The most descriptors that can be.
    public let keptDescriptorLimit: Int
    /// Segments.
    public let segmentCount: Int
    /// Bytes that all segments take.
    public let byteCount: UInt64
    /// Bytes that they may take.
    public let byteLimit: UInt64
    /// Sessions that are connected, or were when the daemon was restarted.
    public let sessionCount: Int
    /// Sessions whose connection has ended and whose process lives.
    public let abandonedSessionCount: Int
    /// Deaths of lock holders that this process has repaired.
    public let repairCount: UInt64
    /// Segments that this process has moved to a new generation.
    public let switchCount: UInt64

    /// Who keeps the segments while the daemon is restarted.
    public enum Keeper: Sendable {
        /// Nobody: they end with the daemon.
        case nobody
        /// The service manager.
        case systemd
        /// The daemon's own parent.
        case keeper
    }

    init(_ statistics: Statistics) {
        version = String(decoding: statistics.version, as: UTF8.self)
        status = String(decoding: statistics.status, as: UTF8.self)
        pid = statistics.pid
        uid = statistics.uid
        startedAtNanoseconds = statistics.startedAt
        firstStartedAtNanoseconds = statistics.firstStartedAt
        restartCount = statistics.restartCount
        keeper =
            switch statistics.keptBy {
            case .nobody: .nobody
            case .systemd: .systemd
            case .keeper: .keeper
            }
        keptDescriptorCount = Int(statistics.storedCount)
        keptDescriptorLimit = Int(statistics.storeLimit)
        segmentCount = Int(statistics.segmentCount)
        byteCount = statistics.byteCount
        byteLimit = statistics.byteLimit
        sessionCount = Int(statistics.sessionCount)
        abandonedSessionCount = Int(statistics.abandonedCount)
        repairCount = statistics.repairCount
        switchCount = statistics.switchCount
    }
}

extension Session {
    /// Asks the daemon how it is.
    public func statistics() throws(SharedMemError) -> DaemonStatistics {
        let answer = try exchange(.statistics)
        guard case .statistics(let statistics) = answer.reply else { throw Connection.unexpected("statistics") }
        return DaemonStatistics(statistics)
    }
}
