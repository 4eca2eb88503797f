internal import ArgumentParser
internal import SharedMem

/// Imports a folder tree.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Set a key for each file below a folder.",
        discussion: """
            The key is the file's path below DIR, the value its content. Only regular files are imported: links, \
            sockets, pipes, devices and empty folders are counted and left out. A file that can't be read, whose \
            path has more than 512 bytes, or that doesn't fit is named at the end; all others are imported, and the \
            exit status is that of the first one named. A key that is there already gets the new value; none is \
            deleted.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: ArgumentHelp("The folder.", valueName: "dir"))
    var folder: ByteArgument

    /// Imports the folder.
    func run() throws {
        let path = try folder.folderPath()
        let session = try connection.session()
        let opened = try session.open(segment, access: .readWrite)
        var tree = try TreeImport(into: opened, limit: session.info(of: segment).byteCount)
        let summary = try tree.run(path)
        if output.isJSON {
            var stream = StandardOutput()
            try stream.write(summary.json.line)
            try stream.finish()
        }
        StandardError.say(summary.text)
        for refused in summary.refused {
            StandardError.say("\(TerminalText.quoted(refused.path)): \(refused.failure.text)")
        }
        if let first = summary.refused.first {
            let count = summary.refused.count
            throw Failure(first.failure.status, "\(count) \(count == 1 ? "file was" : "files were") not imported")
        }
    }
}
