package import SharedMemBroker
internal import SharedMemProtocol

// The saved state as bytes: little-endian fields in declared order, a list as its count and its elements, what may be
// missing as a byte that is 0 or 1 in front of it. What it means is the session table's business; see `SessionTable`.

extension SavedState {
    /// The state as bytes, in some version of the table's format.
    package func encoded(version: UInt32 = SessionTable.version) -> [UInt8] {
        var writer = StateWriter()
        let knowsWatches = version >= 2
        writer.integer(nextSessionID)
        writer.integer(nextSegmentID)
        writer.integer(firstStartedAt)
        writer.integer(restartCount)
        writer.list(segments) { $0.segment($1) }
        writer.list(sessions) { $0.session($1, knowsWatches: knowsWatches) }
        return writer.bytes
    }

    /// Reads a state in some version of the table's format; nil: these bytes are none, or not exactly one.
    ///
    /// Version 1 knows no watches.
    package init?(decoding bytes: [UInt8], version: UInt32 = SessionTable.version) {
        var reader = StateReader(bytes)
        let knowsWatches = version >= 2
        guard let nextSessionID = reader.integer(UInt32.self), let nextSegmentID = reader.integer(UInt64.self),
            let firstStartedAt = reader.integer(UInt64.self), let restartCount = reader.integer(UInt64.self),
            let segments = reader.list({ $0.segment() }),
            let sessions = reader.list({ $0.session(knowsWatches: knowsWatches) }), reader.isAtEnd
        else { return nil }
        self.init(
            nextSessionID: nextSessionID, nextSegmentID: nextSegmentID, firstStartedAt: firstStartedAt,
            restartCount: restartCount, segments: segments, sessions: sessions)
    }
}

// MARK: - Writing

/// Puts a state's bytes together.
private struct StateWriter {
    /// What there is so far.
    var bytes: [UInt8] = []

    /// Appends an integer.
    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends a truth as a byte.
    mutating func boolean(_ value: Bool) { integer(UInt8(value ? 1 : 0)) }

    /// Appends a number that may be missing.
    mutating func optional(_ value: UInt32?) {
        boolean(value != nil)
        integer(value ?? 0)
    }

    /// Appends some bytes.
    mutating func text(_ text: [UInt8]) {
        integer(UInt32(truncatingIfNeeded: text.count))
        bytes.append(contentsOf: text)
    }

    /// Appends a list.
    mutating func list<Element>(_ elements: [Element], _ append: (inout StateWriter, Element) -> Void) {
        integer(UInt32(truncatingIfNeeded: elements.count))
        for element in elements { append(&self, element) }
    }

    /// Appends a segment.
    mutating func segment(_ segment: SavedSegment) {
        integer(segment.id)
        integer(segment.generation)
        text(segment.definition.name.bytes)
        integer(segment.definition.byteCount)
        integer(segment.definition.entryCount)
        integer(segment.definition.mode)
        optional(segment.definition.owner)
        optional(segment.definition.group)
        integer(segment.dataByteCount)
        integer(segment.lockByteCount)
        integer(segment.createdAt)
        boolean(segment.isMadeByClient)
        boolean(segment.isConfigured)
    }

    /// Appends a session.
    mutating func session(_ session: SavedSession, knowsWatches: Bool) {
        integer(session.id)
        integer(session.token.high)
        integer(session.token.low)
        integer(session.process.pid)
        integer(session.process.mark)
        integer(session.uid)
        integer(session.gid)
        integer(session.since)
        text(session.program)
        list(session.writable) { $0.integer($1) }
        boolean(session.lastChange != nil)
        integer(session.lastChange?.requestID ?? 0)
        integer(session.lastChange?.createdSegmentID ?? 0)
        boolean(session.isAbandoned)
        if !knowsWatches { return }
        list(session.watches) {
            $0.integer($1.segmentID)
            $0.integer($1.words.stripes)
            $0.boolean($1.words.segment)
        }
    }
}

// MARK: - Reading

/// Takes a state's bytes apart; no input makes it read past the end.
private struct StateReader {
    /// All bytes.
    private let bytes: [UInt8]
    /// Where the next field begins; never beyond the end.
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing is left.
    var isAtEnd: Bool { offset == bytes.count }

    /// Takes the next `count` bytes.
    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= bytes.count - offset else { return nil }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    /// Reads an integer.
    mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) -> Value? {
        guard let field = take(MemoryLayout<Value>.size) else { return nil }
        var value: Value = 0
        for byte in field.reversed() { value = value << 8 | Value(truncatingIfNeeded: byte) }
        return value
    }

    /// Reads a truth.
    mutating func boolean() -> Bool? {
        guard let value = integer(UInt8.self), value <= 1 else { return nil }
        return value == 1
    }

    /// Reads a number that may be missing; nil outside: there is no such field.
    mutating func optional() -> UInt32?? {
        guard let isThere = boolean(), let value = integer(UInt32.self), isThere || value == 0 else { return nil }
        return .some(isThere ? value : nil)
    }

    /// Reads some bytes.
    mutating func text() -> [UInt8]? {
        guard let count = integer(UInt32.self), let text = take(Int(count)) else { return nil }
        return [UInt8](text)
    }

    /// Reads a list.
    mutating func list<Element>(_ read: (inout StateReader) -> Element?) -> [Element]? {
        guard let count = integer(UInt32.self) else { return nil }
        var elements: [Element] = []
        // Each element has a byte at least, so that a count which is too large ends with the bytes.
        for _ in 0..<count {
            guard let element = read(&self) else { return nil }
            elements.append(element)
        }
        return elements
    }

    /// Reads a segment.
    mutating func segment() -> SavedSegment? {
        guard let id = integer(UInt64.self), let generation = integer(UInt64.self), let text = text(),
            let name = SegmentName(bytes: text), let byteCount = integer(UInt64.self),
            let entryCount = integer(UInt64.self), let mode = integer(UInt32.self), let owner = optional(),
            let group = optional(), let dataByteCount = integer(UInt64.self), let lockByteCount = integer(UInt64.self),
            let createdAt = integer(UInt64.self), let isMadeByClient = boolean(), let isConfigured = boolean()
        else { return nil }
        let definition = SegmentDefinition(
            name: name, byteCount: byteCount, entryCount: entryCount, mode: mode, owner: owner, group: group)
        return SavedSegment(
            id: id, generation: generation, definition: definition, dataByteCount: dataByteCount,
            lockByteCount: lockByteCount, createdAt: createdAt, isMadeByClient: isMadeByClient,
            isConfigured: isConfigured)
    }

    /// Reads a session.
    mutating func session(knowsWatches: Bool) -> SavedSession? {
        guard let id = integer(UInt32.self), let high = integer(UInt64.self), let low = integer(UInt64.self),
            let pid = integer(Int32.self), let mark = integer(UInt64.self), let uid = integer(UInt32.self),
            let gid = integer(UInt32.self), let since = integer(UInt64.self), let program = text(),
            let writable = list({ $0.integer(UInt64.self) }), let hasChanged = boolean(),
            let requestID = integer(UInt32.self), let createdSegmentID = integer(UInt64.self),
            hasChanged || (requestID == 0 && createdSegmentID == 0), let isAbandoned = boolean(),
            let watches = knowsWatches ? list({ $0.watch() }) : []
        else { return nil }
        let change = SavedSession.Change(requestID: requestID, createdSegmentID: createdSegmentID)
        return SavedSession(
            id: id, token: SessionToken(high: high, low: low), process: ProcessIdentity(pid: pid, mark: mark), uid: uid,
            gid: gid, since: since, program: program, writable: writable, lastChange: hasChanged ? change : nil,
            isAbandoned: isAbandoned, watches: watches)
    }

    /// Reads what a session watches in a segment.
    private mutating func watch() -> SavedSession.Watch? {
        guard let segmentID = integer(UInt64.self), let stripes = integer(UInt64.self), let segment = boolean() else {
            return nil
        }
        return SavedSession.Watch(segmentID: segmentID, words: WatchSet(stripes: stripes, segment: segment))
    }
}
