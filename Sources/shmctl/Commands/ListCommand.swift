internal import ArgumentParser
internal import SharedMem

/// Lists segments.
struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the segments that you may read, by name.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Writes a table, or an object for each segment.
    func run() throws {
        let segments = try connection.session().segments()
        var stream = StandardOutput()
        if output.isJSON {
            for segment in segments { try stream.write(segment.json.line) }
        } else {
            let table = Table(rows: [SegmentInfo.heads] + segments.map(\.cells))
            for line in table.lines { try stream.write(line: line) }
        }
        try stream.finish()
    }
}
