internal import SharedMem

/// Tells of changes, one after the other: as lines, or by running a command.
struct ChangeTeller {
    private let segment: Segment
    private let isJSON: Bool
    private let command: [UInt8]?
    /// How many changes were told.
    private(set) var count = 0
    /// Keys whose value was already newer than the change that was told, by the version that it had.
    private var told: [[UInt8]: UInt64] = [:]

    /// Tells of changes in `segment`.
    init(segment: Segment, isJSON: Bool, command: [UInt8]?) {
        self.segment = segment
        self.isJSON = isJSON
        self.command = command
    }

    /// Tells of one change with the value that the key has now; not if that was told before, or is gone again.
    mutating func tell(_ change: SegmentChange, isListed: Bool) throws {
        if let newest = told[change.key] {
            if change.version >= newest { told[change.key] = nil }
            if change.version <= newest { return }
        }
        guard change.kind == .set else { return try tell(change, "deleted", nil) }
        // Deleted since: that is a change of its own.
        guard let value = try segment.storedValue(change.key) else { return }
        if value.info.version > change.version { told[change.key] = value.info.version }
        try tell(change, isListed ? "listed" : "set", value)
    }

    private mutating func tell(_ change: SegmentChange, _ kind: String, _ value: StoredValue?) throws {
        count += 1
        let version = value?.info.version ?? change.version
        if let command {
            let run = ChangeCommand(
                command: command, segment: segment.name, change: kind, key: change.key, version: version)
            return try run.run(value?.bytes ?? [])
        }
        var stream = StandardOutput()
        if isJSON {
            var object = JSONObject(segment: segment.name, key: change.key)
            object.append("change", kind)
            if let value { value.append(to: &object) } else { object.append("version", version) }
            try stream.write(object.line)
        } else if let value {
            let text = value.digits.map { "\($0) \(value.info.type.text)" } ?? LineWords.word(value.bytes)
            try stream.write(line: "set \(LineWords.word(change.key)) \(text)")
        } else {
            try stream.write(line: "delete \(LineWords.word(change.key))")
        }
        // Whoever reads waits for it.
        try stream.finish()
    }
}
