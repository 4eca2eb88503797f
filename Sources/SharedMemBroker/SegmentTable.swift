internal import SharedMemProtocol

/// The segments by id and by name, and the sum of what they are charged with.
struct SegmentTable {
    /// The segments by their ids.
    private var segments: [UInt64: Segment] = [:]
    /// The ids by their names.
    private var ids: [SegmentName: UInt64] = [:]
    /// The next number; 0 means nothing is attached, on the wire.
    private(set) var nextID: UInt64 = 1

    /// The names, in ascending order.
    private(set) var names: [SegmentName] = []

    /// Bytes that all segments together are charged with.
    private(set) var chargedByteCount: UInt64 = 0

    /// Whether what is saved has changed since this was set to false.
    var isChanged = false

    /// The segment with an id.
    subscript(id: UInt64) -> Segment? { segments[id] }

    /// The segment with a name.
    subscript(name: SegmentName) -> Segment? {
        ids[name].flatMap { segments[$0] }
    }

    /// All segments, in no order.
    var all: Dictionary<UInt64, Segment>.Values { segments.values }

    /// Takes a number that no segment has had.
    mutating func issueID() -> UInt64 {
        defer { nextID += 1 }
        isChanged = true
        return nextID
    }

    /// Goes on counting where an earlier daemon stopped.
    mutating func resumeIDs(at id: UInt64) { nextID = max(nextID, id) }

    /// Adds a segment, whose name is free, and charges it.
    mutating func insert(_ segment: Segment) {
        precondition(ids[segment.name] == nil, "the name must be free")
        names.insert(segment.name, at: position(after: segment.name))
        ids[segment.name] = segment.id
        segments[segment.id] = segment
        chargedByteCount += segment.chargedByteCount
        if segment.memory != nil { isChanged = true }
    }

    /// Changes a segment other than its charge.
    mutating func update(_ id: UInt64, _ change: (inout Segment) -> Void) {
        guard var segment = segments.removeValue(forKey: id) else { return }
        let charged = segment.chargedByteCount
        let before = Segment.Imprint(segment)
        change(&segment)
        if Segment.Imprint(segment) != before { isChanged = true }
        segment.chargedByteCount = charged
        segments[id] = segment
    }

    /// Replaces what a segment is charged with.
    mutating func charge(_ id: UInt64, byteCount: UInt64) {
        guard let old = segments[id]?.chargedByteCount else { return }
        segments[id]?.chargedByteCount = byteCount
        chargedByteCount = chargedByteCount - old + byteCount
    }

    /// Takes a segment out and gives back what it's charged with.
    mutating func remove(_ id: UInt64) {
        guard let segment = segments.removeValue(forKey: id) else { return }
        ids[segment.name] = nil
        names.remove(at: position(after: segment.name) - 1)
        chargedByteCount -= segment.chargedByteCount
        if segment.memory != nil { isChanged = true }
    }

    /// Whether a segment is being made that a session asked for.
    func isMaking(for session: UInt32) -> Bool {
        segments.values.contains { $0.creation?.session == session }
    }

    /// Forgets that a session asked for segments that are being made.
    mutating func forgetCreations(of session: UInt32) {
        for (id, segment) in segments where segment.creation?.session == session { segments[id]?.creation = nil }
    }

    /// The largest charge of a segment other than the one with the id `other`.
    func largestCharge(besides other: UInt64?) -> UInt64 {
        segments.values.reduce(0) { $1.id == other ? $0 : max($0, $1.chargedByteCount) }
    }

    /// Finds the first position in `names` whose name comes after `name`; nil: the beginning.
    func position(after name: SegmentName?) -> Int {
        guard let name else { return 0 }
        var range = names.startIndex..<names.endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = name < names[middle] ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return range.lowerBound
    }

    #if SHAREDMEM_TEST_HOOKS
        /// Takes a segment out and keeps its charge, which is wrong.
        mutating func lose(_ id: UInt64) {
            let charged = chargedByteCount
            remove(id)
            chargedByteCount = charged
        }
    #endif
}
