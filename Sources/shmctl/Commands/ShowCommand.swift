internal import ArgumentParser
internal import SharedMem

/// Describes one segment.
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Describe a segment.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    /// Writes a fact a line, or one object.
    func run() throws {
        let info = try connection.session().info(of: segment)
        var stream = StandardOutput()
        if output.isJSON {
            try stream.write(info.json.line)
        } else {
            for line in info.lines { try stream.write(line: line) }
        }
        try stream.finish()
    }
}
