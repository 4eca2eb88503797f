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
    /// How far its memory is.
    var state = State.making([])

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
        let generation: UInt64 = 1
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
}

/// A request that needs a segment's memory.
struct Waiter: Sendable {
    /// Who asked, and in which request.
    let call: Call
    /// What for.
    let purpose: Purpose

    /// What a request needs a segment's memory for.
    enum Purpose: Sendable {
        /// The first attach, answered together with HELLO.
        case hello(Greeting, Access)
        /// One more attachment of a session.
        case attach(Access)
        /// The segment itself, for the client that creates it.
        case create
        /// Its description.
        case show
    }
}

/// What an accepted HELLO is answered with.
struct Greeting: Sendable {
    /// The bits that both sides understand.
    let features: UInt64
    /// The session's id.
    let session: UInt32
    /// The protocol from here on.
    let major: UInt16

    /// Makes the reply.
    func reply(_ attachment: Attachment?) -> Reply {
        .hello(
            Welcome(features: features, session: session, major: major, token: SessionToken(high: 1, low: 1)),
            attachment: attachment)
    }
}
