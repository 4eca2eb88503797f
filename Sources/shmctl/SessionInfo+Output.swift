internal import SharedMem

/// How sessions are shown.
extension SessionInfo {
    /// The session and its segment as a JSON object.
    var json: JSONObject {
        var object = JSONObject()
        object.append("sessionID", sessionID)
        object.append("state", state.text)
        object.append("pid", pid)
        object.append("uid", uid)
        object.append("userName", Account.userName(uid))
        object.append("program", program)
        object.append("since", Timestamp.text(nanoseconds: beganAtNanoseconds))
        if let segment { object.append("segment", segment) } else { object.appendNull("segment") }
        if let segmentID { object.append("segmentID", segmentID) } else { object.appendNull("segmentID") }
        if let access { object.append("access", access.text) } else { object.appendNull("access") }
        object.append("attachedCount", attachedCount)
        if let since = holdsLockSinceNanoseconds {
            object.append("holdsLockSince", Timestamp.text(nanoseconds: since))
        } else {
            object.appendNull("holdsLockSince")
        }
        return object
    }

    /// The heads of the columns of `cells(at:)`.
    static var heads: [String] {
        ["SESSION", "PID", "USER", "PROGRAM", "SEGMENT", "ACCESS", "STATE", "LOCK", "SINCE"]
    }

    /// The session and its segment as a row of a table, at a time in nanoseconds since the epoch.
    func cells(at now: UInt64) -> [String] {
        let lock = holdsLockSinceNanoseconds.map { Elapsed.text(nanoseconds: now > $0 ? now - $0 : 0) }
        let program = TerminalText.escaped(Array(program.utf8))
        return [
            String(sessionID), String(pid), Account.userName(uid), program.isEmpty ? "-" : program,
            segmentText, accessText, state.text, lock ?? "-", Timestamp.text(nanoseconds: beganAtNanoseconds),
        ]
    }

    private var segmentText: String {
        if let segment { return segment }
        return segmentID == nil ? "-" : "(removed)"
    }

    private var accessText: String {
        guard let access else { return "-" }
        return attachedCount == 0 ? access.text + " (given back)" : access.text
    }
}

extension SessionInfo.State {
    /// What the state is called.
    var text: String {
        switch self {
        case .connected: "connected"
        case .restored: "restored"
        case .abandoned: "abandoned"
        }
    }
}
