package import SharedMemBroker
package import SharedMemProtocol

/// What the daemon is told to do, names of users and groups resolved.
package struct Configuration: Equatable, Sendable {
    /// Where the daemon listens, unless the service manager gives it a socket.
    package var socketPath = "/run/sharedmemd/control.sock"
    /// Where the definitions of segments that clients made are kept.
    package var stateDirectory = "/var/lib/sharedmemd"
    /// What is logged.
    package var logLevel = Log.Level.notice
    /// What all segments together may take.
    package var memoryLimit = MemoryLimit.percentage(80)
    /// Connections that one user may hold at once; root is exempt.
    package var connectionsPerUser = 1024
    /// Who may create segments, besides root; nil: everybody.
    package var creators: Broker.Configuration.Creators?
    /// The segments that always exist; owner and group aren't nil.
    package var segments: [SegmentDefinition]

    /// A bound on memory.
    package enum MemoryLimit: Equatable, Sendable {
        /// So many bytes.
        case bytes(UInt64)
        /// So much of the machine's memory, 1 to 100.
        case percentage(UInt64)

        /// The bound in bytes on a machine with `memory` bytes.
        package func byteCount(ofMemory memory: UInt64) -> UInt64 {
            switch self {
            case .bytes(let count): count
            case .percentage(let percentage): memory / 100 * percentage
            }
        }
    }

    /// The group that the built-in segment `default` belongs to.
    package static let sharedGroup = "sharedmem"

    /// Makes the built-in configuration; `sharedGroup` is the gid of the group `sharedmem`, or of root's where there
    /// is none.
    package init(sharedGroup: UInt32) {
        var segments: [SegmentDefinition] = []
        if let name = SegmentName("default") {
            segments.append(
                SegmentDefinition(name: name, byteCount: 16 << 20, mode: 0o660, owner: 0, group: sharedGroup))
        }
        self.segments = segments
    }

    /// What the broker needs of it on a machine with `memory` bytes.
    package func forBroker(ofMemory memory: UInt64) -> Broker.Configuration {
        Broker.Configuration(
            segments: segments, memoryLimit: memoryLimit.byteCount(ofMemory: memory),
            connectionsPerUser: connectionsPerUser, creators: creators)
    }

    /// The options that differ in `other` but count only from the next start on, by name.
    package func optionsNeedingRestart(toBecome other: Configuration) -> [String] {
        var names: [String] = []
        if socketPath != other.socketPath { names.append("socket") }
        if stateDirectory != other.stateDirectory { names.append("state-directory") }
        return names
    }

    /// This configuration with the options of `running` that count only from a start on.
    package func keepingWhatNeedsRestart(of running: Configuration) -> Configuration {
        var kept = self
        kept.socketPath = running.socketPath
        kept.stateDirectory = running.stateDirectory
        return kept
    }
}
