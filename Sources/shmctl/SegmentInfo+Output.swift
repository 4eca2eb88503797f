internal import SharedMem

/// How segments are shown.
extension SegmentInfo {
    /// The segment as a JSON object.
    var json: JSONObject {
        var object = JSONObject()
        object.append("name", name)
        object.append("segmentID", segmentID)
        object.append("generation", generation)
        object.append("byteCount", byteCount)
        object.append("lockByteCount", lockByteCount)
        object.append("createdAt", Timestamp.text(nanoseconds: createdAtNanoseconds))
        object.append("mode", FileMode.text(mode))
        object.append("owner", owner)
        object.append("ownerName", Account.userName(owner))
        object.append("group", group)
        object.append("groupName", Account.groupName(group))
        object.append("sessionCount", sessionCount)
        if let access {
            object.append("access", access.text)
        } else {
            object.appendNull("access")
        }
        object.append("isConfigured", isConfigured)
        return object
    }

    /// The segment as lines of a name and a fact.
    var lines: [String] {
        let facts = [
            ("name", name),
            ("size", "\(ByteSize.text(byteCount)) (\(byteCount) bytes)"),
            ("lock file", "\(ByteSize.text(lockByteCount)) (\(lockByteCount) bytes)"),
            ("mode", FileMode.text(mode)),
            ("owner", "\(Account.userName(owner)) (\(owner))"),
            ("group", "\(Account.groupName(group)) (\(group))"),
            ("your access", access?.text ?? "none"),
            ("sessions", String(sessionCount)),
            ("id", String(segmentID)),
            ("generation", String(generation)),
            ("made", Timestamp.text(nanoseconds: createdAtNanoseconds)),
            ("configured", isConfigured ? "yes" : "no"),
        ]
        return facts.map { Table.padded($0.0, to: 13) + $0.1 }
    }

    /// The heads of the columns of `cells`.
    static var heads: [String] { ["NAME", "SIZE", "MODE", "OWNER", "GROUP", "SESSIONS", "ACCESS"] }

    /// The segment as a row of a table.
    var cells: [String] {
        [
            name, ByteSize.text(byteCount), FileMode.text(mode), Account.userName(owner), Account.groupName(group),
            String(sessionCount), access?.text ?? "none",
        ]
    }
}

extension Segment.Access {
    /// What the access is called.
    var text: String {
        switch self {
        case .readOnly: "read-only"
        case .readWrite: "read-write"
        }
    }
}
