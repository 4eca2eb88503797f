internal import CSharedMem

extension Request {
    /// What the request is on the wire.
    private var type: MessageType {
        switch self {
        case .hello: .hello
        case .attach: .attach
        case .detach: .detach
        case .create: .create
        case .remove: .remove
        case .list: .list
        case .show: .show
        case .pin: .pin
        case .unpin: .unpin
        case .reconnect: .reconnect
        case .whoHolds: .whoHolds
        case .sessions: .sessions
        case .statistics: .statistics
        case .watch: .watch
        case .unwatch: .unwatch
        }
    }

    /// Says how many bytes follow the header of a request of `type`; nil: no request has this type.
    private static func messageByteCount(of type: MessageType) -> Int? {
        switch type {
        case .hello: MemoryLayout<sharedmem_hello>.size
        case .attach: MemoryLayout<sharedmem_attach>.size
        case .detach: MemoryLayout<sharedmem_detach>.size
        case .create: MemoryLayout<sharedmem_create>.size
        case .remove, .show: MemoryLayout<sharedmem_segment_request>.size
        case .list: MemoryLayout<sharedmem_list>.size
        case .pin, .unpin: MemoryLayout<sharedmem_pin_request>.size
        case .reconnect: MemoryLayout<sharedmem_reconnect>.size
        case .whoHolds: MemoryLayout<sharedmem_who_holds>.size
        case .sessions: MemoryLayout<sharedmem_sessions>.size
        case .statistics: 0
        case .watch, .unwatch: MemoryLayout<sharedmem_watch_request>.size
        default: nil
        }
    }

    /// Returns the request as one frame.
    ///
    /// A program's name ends at its first zero byte and is cut at 64 bytes, at a whole character.
    package func encoded(requestID: UInt32) -> [UInt8] {
        var writer = FrameWriter(
            type: type, requestID: requestID, messageByteCount: Self.messageByteCount(of: type) ?? 0)
        switch self {
        case .hello(let hello): hello.write(to: &writer)
        case .attach(let segment, let access):
            writer.access(access)
            writer.reserved()
            writer.name(segment)
        case .detach(let segmentID), .pin(let segmentID), .unpin(let segmentID), .whoHolds(let segmentID):
            writer.integer(segmentID)
        case .create(let definition): definition.write(to: &writer)
        case .remove(let segment), .show(let segment): writer.name(segment)
        case .list(let after): writer.name(after)
        case .reconnect(let reconnect): reconnect.write(to: &writer)
        case .sessions(let after):
            writer.integer(after?.segmentID ?? 0)
            writer.integer(after?.session ?? 0)
            writer.reserved()
        case .statistics: break
        case .watch(let watch), .unwatch(let watch): watch.write(to: &writer)
        }
        return writer.finish()
    }

    /// Reads a request from `frame`, which is exactly one received message.
    package static func decode(_ frame: [UInt8]) throws(DecodingFailure) -> RequestFrame {
        var reader = FrameReader(frame)
        let header = try reader.header()
        guard let byteCount = messageByteCount(of: header.type) else { throw .type(header.type.rawValue) }
        try reader.expectMessage(of: header.type, byteCount: byteCount)
        return try RequestFrame(requestID: header.requestID, request: read(header.type, from: &reader))
    }

    /// Reads the fields of a request of `type`.
    private static func read(
        _ type: MessageType, from reader: inout FrameReader
    ) throws(DecodingFailure) -> Request {
        switch type {
        case .hello: return try .hello(Hello(from: &reader))
        case .attach:
            let access = try reader.requiredAccess()
            try reader.reserved()
            return try .attach(reader.requiredName(), access)
        case .detach: return try .detach(segmentID: reader.integer())
        case .create: return try .create(SegmentDefinition(from: &reader))
        case .remove: return try .remove(reader.requiredName())
        case .list: return try .list(after: reader.name())
        case .show: return try .show(reader.requiredName())
        case .pin: return try .pin(segmentID: reader.integer())
        case .unpin: return try .unpin(segmentID: reader.integer())
        case .reconnect: return try .reconnect(Reconnect(from: &reader))
        case .whoHolds: return try .whoHolds(segmentID: reader.integer())
        case .sessions:
            let segmentID = try reader.integer(UInt64.self)
            let session = try reader.integer(UInt32.self)
            try reader.reserved()
            guard session != 0 || segmentID == 0 else { throw .session(session) }
            return .sessions(after: session == 0 ? nil : SessionCursor(session: session, segmentID: segmentID))
        case .statistics: return .statistics
        case .watch: return try .watch(WatchRequest(from: &reader))
        case .unwatch: return try .unwatch(WatchRequest(from: &reader))
        default: throw .type(type.rawValue)
        }
    }
}

extension Hello {
    /// Appends the fields.
    fileprivate func write(to writer: inout FrameWriter) {
        writer.integer(majors.lowerBound)
        writer.integer(majors.upperBound)
        writer.access(attach?.access)
        writer.integer(features)
        writer.program(program)
        writer.name(attach?.segment)
    }

    /// Reads the fields.
    fileprivate init(from reader: inout FrameReader) throws(DecodingFailure) {
        let majors = try reader.majors()
        let access = try reader.access()
        let features = try reader.integer(UInt64.self)
        let program = try reader.program()
        var attach: Attach?
        if let access {
            attach = try Attach(segment: reader.requiredName(), access: access)
        } else if try reader.name() != nil {
            throw .nameWithoutAccess
        }
        self.init(majors: majors, features: features, program: program, attach: attach)
    }
}

extension Reconnect {
    /// Appends the fields.
    fileprivate func write(to writer: inout FrameWriter) {
        writer.integer(majors.lowerBound)
        writer.integer(majors.upperBound)
        writer.integer(session)
        writer.integer(features)
        writer.token(token)
    }

    /// Reads the fields.
    fileprivate init(from reader: inout FrameReader) throws(DecodingFailure) {
        let majors = try reader.majors()
        let session = try reader.session()
        try self.init(majors: majors, features: reader.integer(), session: session, token: reader.token())
    }
}

extension WatchRequest {
    /// Appends the fields.
    fileprivate func write(to writer: inout FrameWriter) {
        writer.integer(segmentID)
        writer.integer(generation)
        writer.integer(words.stripes)
        writer.boolean(words.segment)
        writer.reserved()
    }

    /// Reads the fields.
    fileprivate init(from reader: inout FrameReader) throws(DecodingFailure) {
        let segmentID = try reader.integer(UInt64.self)
        let generation = try reader.integer(UInt64.self)
        let words = try WatchSet(stripes: reader.integer(), segment: reader.boolean())
        try reader.reserved()
        self.init(segmentID: segmentID, generation: generation, words: words)
    }
}

extension SegmentDefinition {
    /// Appends the fields.
    fileprivate func write(to writer: inout FrameWriter) {
        writer.name(name)
        writer.integer(byteCount)
        writer.integer(entryCount)
        writer.integer(mode)
        writer.integer(owner ?? SHAREDMEM_UNCHANGED)
        writer.integer(group ?? SHAREDMEM_UNCHANGED)
        writer.reserved()
    }

    /// Reads the fields.
    fileprivate init(from reader: inout FrameReader) throws(DecodingFailure) {
        let name = try reader.requiredName()
        let byteCount = try reader.integer(UInt64.self)
        let entryCount = try reader.integer(UInt64.self)
        let mode = try reader.integer(UInt32.self)
        let owner = try reader.integer(UInt32.self)
        let group = try reader.integer(UInt32.self)
        try reader.reserved()
        self.init(
            name: name, byteCount: byteCount, entryCount: entryCount, mode: mode,
            owner: owner == SHAREDMEM_UNCHANGED ? nil : owner, group: group == SHAREDMEM_UNCHANGED ? nil : group)
    }
}
