/// What a session may do with a segment.
package enum Access: UInt32, Sendable, Equatable {
    /// Map the data file read-only.
    case readOnly = 1
    /// Map both files writable.
    case readWrite = 3
}

/// What a client asks.
package enum Request: Equatable, Sendable {
    /// The first frame of a connection; may carry the first attach.
    case hello(Hello)
    /// Attach to a segment.
    case attach(SegmentName, Access)
    /// Give an attachment back.
    case detach(segmentID: UInt64)
    /// Make a segment.
    case create(SegmentDefinition)
    /// Remove a segment's name.
    case remove(SegmentName)
    /// Describe the segments that the caller may read, in ascending order of their names, after the one given.
    case list(after: SegmentName?)
    /// Describe one segment.
    case show(SegmentName)
    /// Keep what is found in a segment from here on; one more pin of this session.
    case pin(segmentID: UInt64)
    /// Give one of this session's pins back.
    case unpin(segmentID: UInt64)
    /// The first frame of a connection that takes a session up again.
    case reconnect(Reconnect)
    /// Say who has a segment's lock word, which the session may write.
    case whoHolds(segmentID: UInt64)
    /// Describe sessions and their segments, after the entry given.
    case sessions(after: SessionCursor?)
    /// Say how the daemon is.
    case statistics
    /// Have this session's process told of changes in these stripes, or of all changes.
    case watch(WatchRequest)
    /// Tell it no more.
    case unwatch(WatchRequest)
}

/// What a client says of itself.
package struct Hello: Equatable, Sendable {
    /// The protocols the client speaks.
    package var majors: ClosedRange<UInt16>
    /// The feature bits the client understands.
    package var features: UInt64
    /// What the client says it is; at most 64 bytes of UTF-8, shown as claimed.
    package var program: [UInt8]
    /// The first attach.
    package var attach: Attach?

    /// A segment and the access asked for.
    package struct Attach: Equatable, Sendable {
        /// Which segment.
        package var segment: SegmentName
        /// For what.
        package var access: Access

        package init(segment: SegmentName, access: Access) {
            self.segment = segment
            self.access = access
        }
    }

    package init(majors: ClosedRange<UInt16>, features: UInt64, program: [UInt8], attach: Attach?) {
        self.majors = majors
        self.features = features
        self.program = program
        self.attach = attach
    }
}

/// What a segment is made of.
package struct SegmentDefinition: Equatable, Sendable {
    /// Its name.
    package var name: SegmentName
    /// Bytes of the data file asked for; rounded up to whole pages.
    package var byteCount: UInt64
    /// Keys the index is made for; 0: as many 128-byte records as fit.
    package var entryCount: UInt64
    /// Permission bits, r and w only: 0 to 0o666.
    package var mode: UInt32
    /// The owner's uid; nil: the creator.
    package var owner: UInt32?
    /// The group's gid; nil: the creator's.
    package var group: UInt32?

    package init(
        name: SegmentName, byteCount: UInt64, entryCount: UInt64 = 0, mode: UInt32 = 0o600,
        owner: UInt32? = nil, group: UInt32? = nil
    ) {
        self.name = name
        self.byteCount = byteCount
        self.entryCount = entryCount
        self.mode = mode
        self.owner = owner
        self.group = group
    }
}

/// What the daemon answers.
package enum Reply: Equatable, Sendable {
    /// The session exists; `attachment` is nil if none was asked for or if an error follows with the same request id.
    case hello(Welcome, attachment: Attachment?)
    /// The session goes on.
    case reconnected(Welcome)
    /// Attached; the descriptors travel with the frame.
    case attached(Attachment)
    /// Detached.
    case detached
    /// Made.
    case created(segmentID: UInt64)
    /// Removed.
    case removed
    /// A page of descriptions; `more`: ask again after the last name.
    case list([SegmentDescription], more: Bool)
    /// One description.
    case shown(SegmentDescription)
    /// Pinned.
    case pinned
    /// Unpinned.
    case unpinned
    /// Whoever changes what is watched says so from here on.
    case watched
    /// Nobody says so any more, unless others watch.
    case unwatched
    /// Who has the lock word.
    case holder(Holder)
    /// A page of sessions; `more`: ask again after the last one.
    case sessions([SessionDescription], more: Bool)
    /// How the daemon is.
    case statistics(Statistics)
    /// Refused.
    case failure(Failure)
}

/// What came with an attach.
package struct Attachment: Equatable, Sendable {
    /// The segment's id, never 0.
    package var segmentID: UInt64
    /// The generation of the files.
    package var generation: UInt64
    /// Bytes of the data file.
    package var dataByteCount: UInt64
    /// Bytes of the lock file; 0 with read-only access.
    package var lockByteCount: UInt64
    /// What was given.
    package var access: Access

    package init(
        segmentID: UInt64, generation: UInt64, dataByteCount: UInt64, lockByteCount: UInt64, access: Access
    ) {
        self.segmentID = segmentID
        self.generation = generation
        self.dataByteCount = dataByteCount
        self.lockByteCount = lockByteCount
        self.access = access
    }
}

/// What `list` and `show` say of a segment.
package struct SegmentDescription: Equatable, Sendable {
    /// Its name.
    package var name: SegmentName
    /// Its id.
    package var segmentID: UInt64
    /// Its newest generation.
    package var generation: UInt64
    /// Bytes of the data file.
    package var dataByteCount: UInt64
    /// Bytes of the lock file.
    package var lockByteCount: UInt64
    /// When it was made: ns since the epoch.
    package var createdAt: UInt64
    /// Permission bits.
    package var mode: UInt32
    /// The owner's uid.
    package var owner: UInt32
    /// The group's gid.
    package var group: UInt32
    /// Sessions that are attached now.
    package var sessionCount: UInt32
    /// The most that the caller would get; nil: nothing.
    package var access: Access?
    /// Whether the configuration names it.
    package var isConfigured: Bool

    package init(
        name: SegmentName, segmentID: UInt64, generation: UInt64, dataByteCount: UInt64, lockByteCount: UInt64,
        createdAt: UInt64, mode: UInt32, owner: UInt32, group: UInt32, sessionCount: UInt32, access: Access?,
        isConfigured: Bool
    ) {
        self.name = name
        self.segmentID = segmentID
        self.generation = generation
        self.dataByteCount = dataByteCount
        self.lockByteCount = lockByteCount
        self.createdAt = createdAt
        self.mode = mode
        self.owner = owner
        self.group = group
        self.sessionCount = sessionCount
        self.access = access
        self.isConfigured = isConfigured
    }
}

/// Why a request was refused.
package struct Failure: Equatable, Sendable {
    /// A positive errno.
    package var error: Int32
    /// What was needed, in bytes or pieces; 0: doesn't apply.
    package var needed: UInt64
    /// What there is or is allowed; 0: doesn't apply.
    package var available: UInt64
    /// One sentence without a full stop; at most 512 bytes of UTF-8, cut at a whole character by the encoder.
    package var text: String

    package init(error: Int32, needed: UInt64 = 0, available: UInt64 = 0, text: String) {
        self.error = error
        self.needed = needed
        self.available = available
        self.text = text
    }

    // Embedded Swift has no Unicode tables to compare Strings with.
    package static func == (left: Failure, right: Failure) -> Bool {
        left.error == right.error && left.needed == right.needed && left.available == right.available
            && left.text.utf8.elementsEqual(right.text.utf8)
    }
}
