internal import CSharedMem

extension Welcome {
    /// Appends the fields, and those of what was attached.
    func write(to writer: inout FrameWriter, _ attachment: Attachment?) {
        writer.integer(features)
        writer.integer(session)
        writer.integer(major)
        writer.integer(UInt16(0))
        writer.token(token)
        if let attachment {
            attachment.write(to: &writer)
        } else {
            writer.zeros(MemoryLayout<sharedmem_attachment>.size)
        }
    }

    /// Reads the fields, but for what was attached.
    init(from reader: inout FrameReader) throws(DecodingFailure) {
        let features = try reader.integer(UInt64.self)
        let session = try reader.session()
        let major = try reader.integer(UInt16.self)
        guard try reader.integer(UInt16.self) == 0 else { throw .reserved }
        try self.init(features: features, session: session, major: major, token: reader.token())
    }
}

extension Holder {
    /// Appends the fields.
    func write(to writer: inout FrameWriter) {
        writer.integer(session)
        writer.integer(state.rawValue)
        writer.integer(UInt32(bitPattern: pid))
        writer.integer(uid)
        writer.integer(takenAt)
        writer.program(program)
    }

    /// Reads the fields.
    init(from reader: inout FrameReader) throws(DecodingFailure) {
        let session = try reader.integer(UInt32.self)
        let number = try reader.integer(UInt32.self)
        guard let state = State(rawValue: number) else { throw .state(number) }
        try self.init(
            session: session, state: state, pid: Int32(bitPattern: reader.integer()), uid: reader.integer(),
            takenAt: reader.integer(), program: reader.program())
    }
}

extension SessionDescription {
    /// Appends the fields.
    func write(to writer: inout FrameWriter) {
        writer.integer(session)
        writer.integer(state.rawValue)
        writer.integer(UInt32(bitPattern: pid))
        writer.integer(uid)
        writer.integer(since)
        writer.integer(holdsSince)
        writer.integer(segmentID)
        writer.access(access)
        writer.integer(attachedCount)
        writer.name(segment)
        writer.program(program)
    }

    /// Reads the fields.
    init(from reader: inout FrameReader) throws(DecodingFailure) {
        let session = try reader.session()
        let number = try reader.integer(UInt32.self)
        guard let state = State(rawValue: number) else { throw .state(number) }
        let pid = try Int32(bitPattern: reader.integer())
        let uid = try reader.integer(UInt32.self)
        let since = try reader.integer(UInt64.self)
        let holdsSince = try reader.integer(UInt64.self)
        try self.init(
            session: session, state: state, pid: pid, uid: uid, since: since, holdsSince: holdsSince,
            segmentID: reader.integer(), access: reader.access(), attachedCount: reader.integer(),
            segment: reader.name(), program: reader.program())
    }
}

extension Statistics {
    /// Appends the fields.
    func write(to writer: inout FrameWriter) {
        for number in [startedAt, firstStartedAt, restartCount, byteCount, byteLimit, repairCount, switchCount] {
            writer.integer(number)
        }
        for number in [segmentCount, sessionCount, abandonedCount, storedCount, storeLimit] { writer.integer(number) }
        writer.integer(keptBy.rawValue)
        writer.integer(UInt32(bitPattern: pid))
        writer.integer(uid)
        writer.padded(version, byteCount: Int(SHAREDMEM_VERSION_TEXT_MAX))
        writer.padded(status, byteCount: Int(SHAREDMEM_STATUS_TEXT_MAX))
    }

    /// Reads the fields.
    init(from reader: inout FrameReader) throws(DecodingFailure) {
        self.init()
        startedAt = try reader.integer()
        firstStartedAt = try reader.integer()
        restartCount = try reader.integer()
        byteCount = try reader.integer()
        byteLimit = try reader.integer()
        repairCount = try reader.integer()
        switchCount = try reader.integer()
        segmentCount = try reader.integer()
        sessionCount = try reader.integer()
        abandonedCount = try reader.integer()
        storedCount = try reader.integer()
        storeLimit = try reader.integer()
        let number = try reader.integer(UInt32.self)
        guard let keptBy = KeptBy(rawValue: number) else { throw .state(number) }
        self.keptBy = keptBy
        pid = try Int32(bitPattern: reader.integer())
        uid = try reader.integer()
        version = try reader.terminated(byteCount: Int(SHAREDMEM_VERSION_TEXT_MAX))
        status = try reader.terminated(byteCount: Int(SHAREDMEM_STATUS_TEXT_MAX))
    }
}
