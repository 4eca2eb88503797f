internal import SharedMemProtocol

extension Broker {
    /// Makes the segments that the configuration names and that don't exist, and applies the rest of it from now on.
    mutating func configure(_ configuration: Configuration) -> [Effect] {
        self.configuration = configuration
        isConfigured = true
        let named = Set(configuration.segments.map(\.name))
        var effects = disown(keeping: named)
        for definition in configuration.segments {
            if let segment = segments[definition.name] {
                effects += reconcile(segment, definition)
            } else {
                effects += make(definition, origin: .daemon, isConfigured: true)
            }
        }
        for lost in lostSegments where !named.contains(lost.definition.name) {
            effects += make(lost.definition, origin: lost.isMadeByClient ? .client : .daemon, isConfigured: false)
        }
        lostSegments = []
        let charged = segments.chargedByteCount
        if charged > configuration.memoryLimit {
            let sizes = (ByteCount(charged), ByteCount(configuration.memoryLimit))
            effects.append(
                .log(.warning, "the segments take \(sizes.0), expected at most the memory limit of \(sizes.1)"))
        } else if configuration.keepsSwitchRoom {
            effects += warnOfLargest()
        }
        return effects + beginSwitch()
    }

    /// Makes a segment that was remembered over a restart, unless its name is taken.
    mutating func recall(_ definition: SegmentDefinition) -> [Effect] {
        segments[definition.name] == nil ? make(definition, origin: .daemon, isConfigured: false) : []
    }

    /// Warns of segments that leave no room for a new generation of the largest of them.
    private func warnOfLargest() -> [Effect] {
        let largest = segments.largestCharge(besides: nil)
        let left = room(for: .daemon).available
        guard largest > left else { return [] }
        let sentence =
            "the memory limit leaves \(ByteCount(left)) beside the segments, expected at least the "
            + "\(ByteCount(largest)) that a new generation of the largest takes: it can't be repaired by one"
        return [.log(.warning, sentence)]
    }

    /// Begins to make a segment that no client asked for.
    private mutating func make(
        _ definition: SegmentDefinition, origin: Segment.Origin, isConfigured: Bool
    ) -> [Effect] {
        do throws(Refusal) {
            try requireRoom(for: definition, of: .daemon)
        } catch {
            return [.log(.error, error.failure.text)]
        }
        let segment = makeSegment(definition, origin: origin, isConfigured: isConfigured)
        return [.makeMemory(segmentID: segment.id, segment.definition)]
    }

    /// Keeps segments that the configuration no longer names, as if a client had made them, and says so.
    private mutating func disown(keeping named: Set<SegmentName>) -> [Effect] {
        var effects: [Effect] = []
        for name in segments.names {
            guard let segment = segments[name], segment.isConfigured, !named.contains(name) else { continue }
            segments.update(segment.id) { $0.isConfigured = false }
            effects.append(
                .log(.warning, "the configuration no longer names segment \(name), which stays until it's removed"))
        }
        return effects
    }

    /// Applies what the configuration says of a segment that exists, but for its size.
    private mutating func reconcile(_ segment: Segment, _ definition: SegmentDefinition) -> [Effect] {
        var effects: [Effect] = []
        let permissions = Permissions(definition)
        segments.update(segment.id) {
            $0.isConfigured = true
            $0.permissions = permissions
        }
        if permissions != segment.permissions {
            let sentence =
                "segment \(segment.name) belongs to \(permissions) from now on, before to "
                + "\(segment.permissions); what is attached stays attached"
            effects.append(.log(.notice, sentence))
        }
        if definition.byteCount != segment.definition.byteCount {
            let sizes = (ByteCount(segment.definition.byteCount), ByteCount(definition.byteCount))
            let sentence =
                "segment \(segment.name) has \(sizes.0) and the configuration says \(sizes.1), "
                + "expected the same: it stays as it is until it's removed"
            effects.append(.log(.warning, sentence))
        }
        if definition.entryCount != segment.definition.entryCount {
            let counts = (segment.definition.entryCount, definition.entryCount)
            let sentence =
                "segment \(segment.name) is made for \(counts.0) keys and the configuration says "
                + "\(counts.1), expected the same: it stays as it is until it's removed"
            effects.append(.log(.warning, sentence))
        }
        return effects
    }
}
