internal import ArgumentParser
internal import SharedMem

/// Tells how the daemon is.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Tell how the daemon is, and what it holds.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Writes a fact a line, or one object.
    func run() throws {
        let statistics = try connection.session().statistics()
        var stream = StandardOutput()
        if output.isJSON {
            try stream.write(statistics.json.line)
        } else {
            for line in statistics.lines { try stream.write(line: line) }
        }
        try stream.finish()
    }
}
