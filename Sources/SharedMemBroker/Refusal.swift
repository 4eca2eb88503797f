internal import Glibc
internal import SharedMemProtocol

/// Why a request isn't granted, in the words that its sender gets.
struct Refusal: Error, Equatable {
    /// The reply.
    let failure: Failure

    /// Makes a refusal with an errno, the numbers that are needed to act, and a sentence.
    private init(_ error: Int32, needed: UInt64 = 0, available: UInt64 = 0, _ text: String) {
        failure = Failure(error: error, needed: needed, available: available, text: text)
    }
}

extension Refusal {
    /// The client speaks no protocol that the daemon speaks.
    static func protocols(_ client: ClosedRange<UInt16>) -> Refusal {
        Refusal(
            EPROTONOSUPPORT,
            "the client speaks protocols \(words(client)), expected one that the daemon speaks: "
                + words(ProtocolLimits.majors))
    }

    /// As many sessions exist as the daemon can keep.
    static func sessions(limit: Int) -> Refusal {
        Refusal(
            EDQUOT, needed: UInt64(limit) + 1, available: UInt64(limit),
            "the daemon keeps \(limit) sessions already, expected another attempt when one of them has ended")
    }

    /// No session has this id.
    static func noSuchSession(_ id: UInt32) -> Refusal {
        Refusal(ENOENT, "there is no session \(id), expected one that hasn't ended, or HELLO")
    }

    /// The session is another process's, or its token is another one.
    static func foreignSession(_ id: UInt32, _ identity: PeerIdentity) -> Refusal {
        Refusal(ESTALE, "session \(id) isn't that of \(identity) with this token, expected its own, or HELLO")
    }

    /// No segment has this name.
    static func noSuchSegment(_ name: SegmentName) -> Refusal {
        Refusal(ENOENT, "there is no segment \(name), expected the name of one that exists")
    }

    /// The mode doesn't allow it.
    static func access(_ access: Access, _ segment: Segment, _ identity: PeerIdentity) -> Refusal {
        let need = access == .readOnly ? "read it, which needs r" : "write it, which needs r and w"
        return Refusal(
            EACCES, "uid \(identity.uid) may not attach to segment \(segment.name) to \(need): \(owned(segment))")
    }

    /// The mode doesn't allow to look at it.
    static func show(_ segment: Segment, _ identity: PeerIdentity) -> Refusal {
        Refusal(EACCES, "uid \(identity.uid) may not see segment \(segment.name), which needs r: \(owned(segment))")
    }

    /// Only its owner and root may remove a segment.
    static func removal(_ segment: Segment, _ identity: PeerIdentity) -> Refusal {
        Refusal(
            EACCES,
            "uid \(identity.uid) may not remove segment \(segment.name), only its owner and root may: "
                + owned(segment))
    }

    /// The memory is still being made.
    static func unfinished(_ name: SegmentName) -> Refusal {
        Refusal(EBUSY, "segment \(name) is still being made, expected to be asked to remove it later")
    }

    /// The session isn't attached.
    static func notAttached(_ segmentID: UInt64) -> Refusal {
        Refusal(EINVAL, "the session isn't attached to segment id \(segmentID), expected one that it's attached to")
    }

    /// The segment that is to be pinned was removed.
    static func removed(_ segmentID: UInt64) -> Refusal {
        Refusal(EIDRM, "segment id \(segmentID) was removed, expected one that exists")
    }

    /// The session has no pin.
    static func notPinned(_ segmentID: UInt64) -> Refusal {
        Refusal(EINVAL, "the session has no pin of segment id \(segmentID), expected as many as it has asked for")
    }

    /// WATCH names no notify word.
    static func nothingToWatch(_ segmentID: UInt64) -> Refusal {
        Refusal(EINVAL, "nothing of segment id \(segmentID) is named to be watched, expected a stripe or the segment")
    }

    /// The generation that is to be watched isn't the one that counts.
    static func generation(_ request: WatchRequest, of segment: Segment) -> Refusal {
        Refusal(
            ESTALE,
            "generation \(request.generation) of segment \(segment.name) can't be watched, expected "
                + "\(segment.memory?.generation ?? 0): attach again")
    }

    /// The segment that is to be watched is about to have another generation.
    static func moving(_ segment: Segment) -> Refusal {
        Refusal(
            ESTALE,
            "segment \(segment.name) moves to another generation, expected to be attached again and watched then")
    }

    /// Only who may write a segment waits for its lock.
    static func owner(of segment: Segment, _ identity: PeerIdentity) -> Refusal {
        Refusal(
            EACCES,
            "\(identity) is attached to segment \(segment.name) to read it, expected to write it, to ask who has its lock"
        )
    }

    /// The session is attached to too many segments.
    static func attachments(_ name: SegmentName) -> Refusal {
        Refusal(
            EDQUOT, needed: UInt64(Session.attachmentLimit + 1), available: UInt64(Session.attachmentLimit),
            "segment \(name) would be one too many for this session, expected at most \(Session.attachmentLimit)")
    }

    /// Too many requests of the session wait.
    static func waiting(_ name: SegmentName) -> Refusal {
        Refusal(
            EDQUOT, needed: UInt64(Peer.waitingLimit + 1), available: UInt64(Peer.waitingLimit),
            "a request for segment \(name) would be one too many to wait, expected at most \(Peer.waitingLimit)")
    }

    /// The configuration doesn't name this user as a creator.
    static func creator(_ name: SegmentName, _ identity: PeerIdentity) -> Refusal {
        Refusal(
            EACCES,
            "uid \(identity.uid) may not create segment \(name), expected root or one of the configured creators")
    }

    /// The name is taken.
    static func exists(_ name: SegmentName) -> Refusal {
        Refusal(EEXIST, "segment \(name) exists already, expected a new name")
    }

    /// The mode has other bits than r and w.
    static func mode(_ definition: SegmentDefinition) -> Refusal {
        Refusal(
            EINVAL,
            "the mode of segment \(definition.name) is \(Permissions.octal(definition.mode)), expected 0000 to 0666 "
                + "with r and w only")
    }

    /// Only root gives segments to others.
    static func owner(_ definition: SegmentDefinition, _ owner: UInt32, _ identity: PeerIdentity) -> Refusal {
        Refusal(
            EACCES,
            "uid \(identity.uid) may not give segment \(definition.name) to uid \(owner), expected its own uid")
    }

    /// Only root gives segments to groups that it isn't in.
    static func group(_ definition: SegmentDefinition, _ group: UInt32, _ identity: PeerIdentity) -> Refusal {
        Refusal(
            EACCES,
            "uid \(identity.uid) may not give segment \(definition.name) to gid \(group), expected one of its groups")
    }

    /// A segment has at least one byte.
    static func empty(_ name: SegmentName, available: UInt64) -> Refusal {
        Refusal(
            ENOSPC, needed: ByteCount.pageByteCount, available: available,
            "segment \(name) would have no room at all, expected a size of at least 1 byte")
    }

    /// The memory limit doesn't leave enough.
    static func memory(_ name: SegmentName, needed: UInt64, room: Room) -> Refusal {
        Refusal(
            ENOSPC, needed: needed, available: room.available,
            "segment \(name) needs \(ByteCount(needed)), expected at most the \(ByteCount(room.available)) that are "
                + "left of the memory limit of \(ByteCount(room.limit))"
                + (room.keepsSwitchRoom ? " beside the room for a new generation of the largest segment" : ""))
    }

    /// The memory limit doesn't leave enough for the next generation.
    static func generation(of segment: Segment, room: Room) -> Refusal {
        Refusal(
            ENOSPC, needed: segment.chargedByteCount, available: room.available,
            "the next generation of segment \(segment.name) needs \(ByteCount(segment.chargedByteCount)), expected at "
                + "most the \(ByteCount(room.available)) that are left of the memory limit of \(ByteCount(room.limit))")
    }

    /// The worker couldn't make the memory.
    static func memory(_ segment: Segment, error: Int32, reason: String) -> Refusal {
        Refusal(
            error > 0 ? error : EIO, needed: error == ENOSPC || error == ENOMEM ? segment.chargedByteCount : 0,
            "the memory of segment \(segment.name), \(ByteCount(segment.chargedByteCount)), could not be made: "
                + reason)
    }

    /// Says whose a segment is.
    private static func owned(_ segment: Segment) -> String { "it belongs to \(segment.permissions)" }

    /// Writes a range of protocols.
    private static func words(_ majors: ClosedRange<UInt16>) -> String {
        "\(majors.lowerBound) to \(majors.upperBound)"
    }
}
