internal import CSharedMem

extension Reply {
    /// What the reply is on the wire.
    private var type: MessageType {
        switch self {
        case .hello: MessageType.hello.reply
        case .attached: MessageType.attach.reply
        case .detached: MessageType.detach.reply
        case .created: MessageType.create.reply
        case .removed: MessageType.remove.reply
        case .list: MessageType.list.reply
        case .shown: MessageType.show.reply
        case .pinned: MessageType.pin.reply
        case .unpinned: MessageType.unpin.reply
        case .watched: MessageType.watch.reply
        case .unwatched: MessageType.unwatch.reply
        case .reconnected: MessageType.reconnect.reply
        case .holder: MessageType.whoHolds.reply
        case .sessions: MessageType.sessions.reply
        case .statistics: MessageType.statistics.reply
        case .failure: .error
        }
    }

    /// Says how many bytes follow the header of a reply of `type`, in a list before its entries; nil: no reply has
    /// this type.
    private static func messageByteCount(of type: MessageType) -> Int? {
        switch type {
        case MessageType.hello.reply, MessageType.reconnect.reply: MemoryLayout<sharedmem_hello_reply>.size
        case MessageType.whoHolds.reply: MemoryLayout<sharedmem_holder>.size
        case MessageType.sessions.reply: MemoryLayout<sharedmem_sessions_reply>.size
        case MessageType.statistics.reply: MemoryLayout<sharedmem_statistics>.size
        case MessageType.attach.reply: MemoryLayout<sharedmem_attachment>.size
        case MessageType.detach.reply, MessageType.remove.reply, MessageType.pin.reply, MessageType.unpin.reply,
            MessageType.watch.reply, MessageType.unwatch.reply:
            0
        case MessageType.create.reply: MemoryLayout<sharedmem_create_reply>.size
        case MessageType.list.reply: MemoryLayout<sharedmem_list_reply>.size
        case MessageType.show.reply: MemoryLayout<sharedmem_description>.size
        case .error: MemoryLayout<sharedmem_error>.size
        default: nil
        }
    }

    /// The most descriptions that one list carries.
    package static var maximumListCount: Int { Int(SHAREDMEM_LIST_MAX) }

    /// The most sessions that one page carries.
    package static var maximumSessionCount: Int { Int(SHAREDMEM_SESSIONS_PAGE) }

    /// Returns the reply as one frame.
    ///
    /// A failure's text is cut at 512 bytes, at a whole character. A list of more than `maximumListCount` is cut
    /// there and says that there is more.
    package func encoded(requestID: UInt32) -> [UInt8] {
        var byteCount = Self.messageByteCount(of: type) ?? 0
        switch self {
        case .list(let descriptions, _):
            byteCount += min(descriptions.count, Self.maximumListCount) * MemoryLayout<sharedmem_description>.size
        case .sessions(let descriptions, _):
            let count = min(descriptions.count, Self.maximumSessionCount)
            byteCount += count * MemoryLayout<sharedmem_session_description>.size
        default: break
        }
        var writer = FrameWriter(type: type, requestID: requestID, messageByteCount: byteCount)
        switch self {
        case .hello(let welcome, let attachment): welcome.write(to: &writer, attachment)
        case .reconnected(let welcome): welcome.write(to: &writer, nil)
        case .attached(let attachment): attachment.write(to: &writer)
        case .detached, .removed, .pinned, .unpinned, .watched, .unwatched: break
        case .created(let segmentID): writer.integer(segmentID)
        case .list(let descriptions, let more):
            let page = descriptions.prefix(Self.maximumListCount)
            writer.integer(UInt32(truncatingIfNeeded: page.count))
            writer.boolean(more || page.count < descriptions.count)
            for description in page { description.write(to: &writer) }
        case .shown(let description): description.write(to: &writer)
        case .holder(let holder): holder.write(to: &writer)
        case .sessions(let descriptions, let more):
            let page = descriptions.prefix(Self.maximumSessionCount)
            writer.integer(UInt32(truncatingIfNeeded: page.count))
            writer.boolean(more || page.count < descriptions.count)
            for description in page { description.write(to: &writer) }
        case .statistics(let statistics): statistics.write(to: &writer)
        case .failure(let failure): failure.write(to: &writer)
        }
        return writer.finish()
    }

    /// Reads a reply from `frame`, which is exactly one received message.
    package static func decode(_ frame: [UInt8]) throws(DecodingFailure) -> ReplyFrame {
        var reader = FrameReader(frame)
        let header = try reader.header()
        guard let byteCount = messageByteCount(of: header.type) else { throw .type(header.type.rawValue) }
        if header.type != MessageType.list.reply, header.type != MessageType.sessions.reply {
            try reader.expectMessage(of: header.type, byteCount: byteCount)
        }
        return try ReplyFrame(requestID: header.requestID, reply: read(header.type, from: &reader))
    }

    /// Reads the fields of a reply of `type`.
    private static func read(_ type: MessageType, from reader: inout FrameReader) throws(DecodingFailure) -> Reply {
        switch type {
        case MessageType.hello.reply:
            let welcome = try Welcome(from: &reader)
            return try .hello(welcome, attachment: Attachment.read(from: &reader))
        case MessageType.reconnect.reply:
            let welcome = try Welcome(from: &reader)
            guard try Attachment.read(from: &reader) == nil else { throw .attachment }
            return .reconnected(welcome)
        case MessageType.whoHolds.reply: return try .holder(Holder(from: &reader))
        case MessageType.sessions.reply: return try sessions(from: &reader)
        case MessageType.statistics.reply: return try .statistics(Statistics(from: &reader))
        case MessageType.attach.reply:
            guard let attachment = try Attachment.read(from: &reader) else { throw .segmentID }
            return .attached(attachment)
        case MessageType.detach.reply: return .detached
        case MessageType.create.reply:
            let segmentID = try reader.integer(UInt64.self)
            guard segmentID != 0 else { throw .segmentID }
            return .created(segmentID: segmentID)
        case MessageType.remove.reply: return .removed
        case MessageType.list.reply: return try list(from: &reader)
        case MessageType.show.reply: return try .shown(SegmentDescription(from: &reader))
        case MessageType.pin.reply: return .pinned
        case MessageType.unpin.reply: return .unpinned
        case MessageType.watch.reply: return .watched
        case MessageType.unwatch.reply: return .unwatched
        case .error: return try .failure(Failure(from: &reader))
        default: throw .type(type.rawValue)
        }
    }

    /// Reads the fields of LIST_REPLY, whose entries make up the rest of the frame.
    private static func list(from reader: inout FrameReader) throws(DecodingFailure) -> Reply {
        let count = try reader.integer(UInt32.self)
        guard count <= SHAREDMEM_LIST_MAX else { throw .count(count) }
        let byteCount =
            MemoryLayout<sharedmem_list_reply>.size + Int(count) * MemoryLayout<sharedmem_description>.size
        try reader.expectMessage(of: MessageType.list.reply, byteCount: byteCount)
        let more = try reader.boolean()
        var descriptions: [SegmentDescription] = []
        for _ in 0..<count { try descriptions.append(SegmentDescription(from: &reader)) }
        return .list(descriptions, more: more)
    }

    /// Reads the fields of SESSIONS_REPLY, whose entries make up the rest of the frame.
    private static func sessions(from reader: inout FrameReader) throws(DecodingFailure) -> Reply {
        let count = try reader.integer(UInt32.self)
        guard count <= SHAREDMEM_SESSIONS_PAGE else { throw .count(count) }
        let byteCount =
            MemoryLayout<sharedmem_sessions_reply>.size
            + Int(count) * MemoryLayout<sharedmem_session_description>.size
        try reader.expectMessage(of: MessageType.sessions.reply, byteCount: byteCount)
        let more = try reader.boolean()
        var descriptions: [SessionDescription] = []
        for _ in 0..<count { try descriptions.append(SessionDescription(from: &reader)) }
        return .sessions(descriptions, more: more)
    }
}

extension Attachment {
    /// Appends the fields.
    func write(to writer: inout FrameWriter) {
        writer.integer(segmentID)
        writer.integer(generation)
        writer.integer(dataByteCount)
        writer.integer(lockByteCount)
        writer.access(access)
        writer.reserved()
    }

    /// Reads the fields; nil: nothing is attached.
    fileprivate static func read(from reader: inout FrameReader) throws(DecodingFailure) -> Attachment? {
        let segmentID = try reader.integer(UInt64.self)
        let generation = try reader.integer(UInt64.self)
        let dataByteCount = try reader.integer(UInt64.self)
        let lockByteCount = try reader.integer(UInt64.self)
        let access = try reader.access()
        try reader.reserved()
        guard segmentID != 0 else {
            guard generation == 0, dataByteCount == 0, lockByteCount == 0, access == nil else { throw .attachment }
            return nil
        }
        guard let access else { throw .access(SHAREDMEM_ACCESS_NONE) }
        guard access == .readWrite || lockByteCount == 0 else { throw .attachment }
        return Attachment(
            segmentID: segmentID, generation: generation, dataByteCount: dataByteCount, lockByteCount: lockByteCount,
            access: access)
    }
}

extension SegmentDescription {
    /// Appends the fields.
    fileprivate func write(to writer: inout FrameWriter) {
        writer.name(name)
        writer.integer(segmentID)
        writer.integer(generation)
        writer.integer(dataByteCount)
        writer.integer(lockByteCount)
        writer.integer(createdAt)
        writer.integer(mode)
        writer.integer(owner)
        writer.integer(group)
        writer.integer(sessionCount)
        writer.access(access)
        writer.boolean(isConfigured)
    }

    /// Reads the fields.
    fileprivate init(from reader: inout FrameReader) throws(DecodingFailure) {
        let name = try reader.requiredName()
        let segmentID = try reader.integer(UInt64.self)
        guard segmentID != 0 else { throw .segmentID }
        try self.init(
            name: name, segmentID: segmentID, generation: reader.integer(), dataByteCount: reader.integer(),
            lockByteCount: reader.integer(), createdAt: reader.integer(), mode: reader.integer(),
            owner: reader.integer(), group: reader.integer(), sessionCount: reader.integer(),
            access: reader.access(), isConfigured: reader.boolean())
    }
}

extension Failure {
    /// Appends the fields.
    fileprivate func write(to writer: inout FrameWriter) {
        let limit = Int(SHAREDMEM_ERROR_TEXT_MAX)
        let bytes = [UInt8](text.utf8)
        writer.integer(UInt32(truncatingIfNeeded: error))
        writer.integer(UInt32(truncatingIfNeeded: FrameWriter.fittingByteCount(of: bytes, limit: limit)))
        writer.integer(needed)
        writer.integer(available)
        writer.padded(bytes, byteCount: limit)
    }

    /// Reads the fields.
    fileprivate init(from reader: inout FrameReader) throws(DecodingFailure) {
        let number = try reader.integer(UInt32.self)
        guard let error = Int32(exactly: number), error > 0 else { throw .error(number) }
        let byteCount = try reader.integer(UInt32.self)
        guard byteCount <= SHAREDMEM_ERROR_TEXT_MAX else { throw .textByteCount(byteCount) }
        let needed = try reader.integer(UInt64.self)
        let available = try reader.integer(UInt64.self)
        let bytes = try reader.padded(count: Int(byteCount), byteCount: Int(SHAREDMEM_ERROR_TEXT_MAX))
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.utf8.elementsEqual(bytes) else { throw .text }
        self.init(error: error, needed: needed, available: available, text: text)
    }
}
