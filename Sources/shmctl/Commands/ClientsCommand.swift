internal import ArgumentParser
internal import LinuxIPC
internal import SharedMem

/// Lists sessions and what they have of segments.
struct ClientsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients",
        abstract: "List the programs that use segments: root's view is all of them, others' their own.",
        discussion: """
            A line for each session and each segment that it is attached to or may still write. A program's name is \
            what it claims. STATE is connected; restored: it hasn't come back since the daemon was restarted; or \
            abandoned: its connection has ended, its process lives. LOCK says for how long it has the segment's lock.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "Only those of this segment.")
    var segment: String?

    /// Writes a table, or an object for each line of it.
    func run() throws {
        let session = try connection.session()
        var sessions = try session.sessions()
        if let segment {
            sessions = sessions.filter { $0.segment == segment }
            // A segment that doesn't exist is told from one that nobody uses.
            if sessions.isEmpty { _ = try session.info(of: segment) }
        }
        var stream = StandardOutput()
        if output.isJSON {
            for session in sessions { try stream.write(session.json.line) }
        } else {
            let now = SystemClock.realtime()
            let table = Table(rows: [SessionInfo.heads] + sessions.map { $0.cells(at: now) })
            for line in table.lines { try stream.write(line: line) }
        }
        try stream.finish()
    }
}
