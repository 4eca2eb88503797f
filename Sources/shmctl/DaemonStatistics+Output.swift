internal import SharedMem

/// How the daemon's statistics are shown.
extension DaemonStatistics {
    /// The statistics as a JSON object.
    var json: JSONObject {
        var object = JSONObject()
        object.append("version", version)
        object.append("status", status)
        object.append("pid", pid)
        object.append("uid", uid)
        object.append("userName", Account.userName(uid))
        object.append("startedAt", Timestamp.text(nanoseconds: startedAtNanoseconds))
        object.append("firstStartedAt", Timestamp.text(nanoseconds: firstStartedAtNanoseconds))
        object.append("restartCount", restartCount)
        object.append("keeper", keeper.text)
        object.append("keptDescriptorCount", keptDescriptorCount)
        object.append("keptDescriptorLimit", keptDescriptorLimit)
        object.append("segmentCount", segmentCount)
        object.append("byteCount", byteCount)
        object.append("byteLimit", byteLimit)
        object.append("sessionCount", sessionCount)
        object.append("abandonedSessionCount", abandonedSessionCount)
        object.append("repairCount", repairCount)
        object.append("switchCount", switchCount)
        return object
    }

    /// The statistics as lines of a name and a fact.
    var lines: [String] {
        let restarts = restartCount == 1 ? "1 restart" : "\(restartCount) restarts"
        let facts = [
            ("status", TerminalText.escaped(Array(status.utf8))),
            ("version", TerminalText.escaped(Array(version.utf8))),
            ("process", "\(pid), as \(Account.userName(uid)) (\(uid))"),
            ("started", Timestamp.text(nanoseconds: startedAtNanoseconds)),
            ("serving since", "\(Timestamp.text(nanoseconds: firstStartedAtNanoseconds)), over \(restarts)"),
            ("kept by", keptBy),
            ("segments", String(segmentCount)),
            ("memory", "\(ByteSize.text(byteCount)) of \(ByteSize.text(byteLimit))"),
            ("sessions", "\(sessionCount), and \(abandonedSessionCount) whose connection has ended"),
            ("repairs", "\(repairCount) after deaths of writers, since it started"),
            ("switches", "\(switchCount) to a new generation, since it started"),
        ]
        return facts.map { Table.padded($0.0, to: 15) + $0.1 }
    }

    private var keptBy: String {
        switch keeper {
        case .nobody: "nobody: the segments end with the daemon"
        case .systemd: "systemd, \(keptDescriptorCount) of at most \(keptDescriptorLimit) descriptors"
        case .keeper: "its own keeper, \(keptDescriptorCount) of at most \(keptDescriptorLimit) descriptors"
        }
    }
}

extension DaemonStatistics.Keeper {
    /// What the keeper is called.
    var text: String {
        switch self {
        case .nobody: "nobody"
        case .systemd: "systemd"
        case .keeper: "keeper"
        }
    }
}
