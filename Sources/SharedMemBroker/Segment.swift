internal import SharedMemProtocol

/// A named region that the daemon owns.
struct Segment: Sendable {
    /// Its number, never reused.
    let id: UInt64
    /// What it was asked to be.
    let definition: SegmentDefinition
    /// Who may do what with it.
    var permissions: Permissions
    /// Who asked for it first.
    let origin: Origin
    /// Whether the configuration names it.
    var isConfigured: Bool
    /// Bytes that count against the memory limit.
    var chargedByteCount: UInt64
    /// Sessions that are attached.
    var sessionCount = 0
    /// Who watches it, in the generation that counts.
    var watchCounts = WatchCounts()
    /// How far its memory is.
    var state = State.making([])
    /// The request that it's being made for, which may come again.
    var creation: Creation?
    /// Whether its memory can't be trusted as it is.
    var isSpoiled = false
    /// Whether the log was told that there is no room for its next generation.
    var hasToldOfLack = false

    /// A CREATE whose segment is being made.
    struct Creation: Equatable, Sendable {
        /// The id of the session that sent it.
        let session: UInt32
        /// Its number.
        let requestID: UInt32
    }

    /// Who asked for a segment first.
    enum Origin: Sendable {
        /// The configuration, or a definition that was remembered.
        case daemon
        /// A client; its definition is remembered.
        case client
    }

    /// How far a segment's memory is.
    enum State: Sendable {
        /// The worker is making it; these requests wait.
        case making([Waiter])
        /// It's there.
        case ready(Memory)
    }

    /// The memory files of one generation.
    struct Memory: Equatable, Sendable {
        /// Counts from 1.
        let generation: UInt64
        /// Bytes of the data file.
        let dataByteCount: UInt64
        /// Bytes of the lock file.
        let lockByteCount: UInt64
        /// When it was made: ns since the epoch.
        let createdAt: UInt64

        /// Bytes of both files, in whole pages.
        var chargedByteCount: UInt64 {
            let (sum, overflows) = ByteCount(dataByteCount).inPages
                .addingReportingOverflow(ByteCount(lockByteCount).inPages)
            return overflows ? .max : sum
        }
    }

    /// The memory that counts, if it's there.
    var memory: Memory? {
        if case .ready(let memory) = state { memory } else { nil }
    }

    /// The name.
    var name: SegmentName { definition.name }

    /// Describes the segment to `identity`.
    func description(_ memory: Memory, for identity: PeerIdentity) -> SegmentDescription {
        SegmentDescription(
            name: name, segmentID: id, generation: memory.generation, dataByteCount: memory.dataByteCount,
            lockByteCount: memory.lockByteCount, createdAt: memory.createdAt, mode: permissions.mode,
            owner: permissions.owner, group: permissions.group, sessionCount: UInt32(clamping: sessionCount),
            access: permissions.access(of: identity), isConfigured: isConfigured)
    }

    /// Says what comes with an attach.
    func attachment(_ memory: Memory, _ access: Access) -> Attachment {
        Attachment(
            segmentID: id, generation: memory.generation, dataByteCount: memory.dataByteCount,
            lockByteCount: access == .readWrite ? memory.lockByteCount : 0, access: access)
    }

    /// What is kept of it over a restart; nil: its memory isn't there.
    var saved: SavedSegment? {
        guard let memory else { return nil }
        var definition = definition
        definition.mode = permissions.mode
        definition.owner = permissions.owner
        definition.group = permissions.group
        return SavedSegment(
            id: id, generation: memory.generation, definition: definition, dataByteCount: memory.dataByteCount,
            lockByteCount: memory.lockByteCount, createdAt: memory.createdAt, isMadeByClient: origin == .client,
            isConfigured: isConfigured)
    }

    /// What tells one saved state of a segment from the next.
    struct Imprint: Equatable {
        private let memory: Memory?
        private let permissions: Permissions?
        private let isConfigured: Bool?

        /// Takes it of `segment`.
        init(_ segment: Segment) {
            memory = segment.memory
            permissions = memory.map { _ in segment.permissions }
            isConfigured = memory.map { _ in segment.isConfigured }
        }
    }
}

extension Segment {
    /// Takes up what was kept, with its memory.
    init(_ saved: SavedSegment) {
        let memory = Memory(
            generation: saved.generation, dataByteCount: saved.dataByteCount, lockByteCount: saved.lockByteCount,
            createdAt: saved.createdAt)
        self.init(
            id: saved.id, definition: saved.definition, permissions: Permissions(saved.definition),
            origin: saved.isMadeByClient ? .client : .daemon, isConfigured: saved.isConfigured,
            chargedByteCount: memory.chargedByteCount, state: .ready(memory))
    }
}
