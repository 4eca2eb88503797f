internal import ArgumentParser
internal import SharedMem

/// Exports a segment.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all keys of a segment as files below a folder, or as JSON Lines.",
        discussion: """
            With the format tree each key becomes a file below DIR, which is made if it isn't there and otherwise \
            must be empty. A key that would leave the folder ('..', a slash at the start, a link in the way), that \
            is no file's path, or that would have to be a folder for another key is named at the end; all others \
            are written, and the exit status is 74.
            With the format jsonl there is no DIR: standard output gets one object for each key, with key (or \
            keyBase64) and value in base64.
            """)

    /// What the keys are written as.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// Files below a folder.
        case tree
        /// JSON Lines on standard output.
        case jsonl
    }

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: ArgumentHelp("The folder, for the format tree.", valueName: "dir"))
    var folder: ByteArgument?

    @Option(help: "What the keys are written as.")
    var format = Format.tree

    @Flag(help: "Write into a folder that isn't empty, and replace files there.")
    var force = false

    /// Refuses a folder too many or too few.
    func validate() throws {
        switch format {
        case .tree: if folder == nil { throw ValidationError("a DIR is needed to export a tree") }
        case .jsonl:
            if folder != nil { throw ValidationError("the format jsonl writes to standard output, not to a DIR") }
        }
    }

    /// Exports the segment.
    func run() throws {
        let opened = try connection.session().open(segment, access: .readOnly)
        if let folder {
            try writeTree(opened, folder.folderPath())
        } else {
            try writeLines(opened)
        }
    }

    /// Writes files.
    private func writeTree(_ opened: Segment, _ path: String) throws {
        var tree = try TreeExport(opened, to: path, replaces: force)
        let summary = try tree.run()
        if output.isJSON {
            var stream = StandardOutput()
            try stream.write(summary.json.line)
            try stream.finish()
        }
        StandardError.say(summary.text)
        for refused in summary.refused {
            StandardError.say("\(TerminalText.quoted(refused.key)): \(refused.reason)")
        }
        let count = summary.refused.count
        if count > 0 {
            throw Failure(.inputOutput, "\(count) \(count == 1 ? "key was" : "keys were") not exported")
        }
    }

    /// Writes JSON Lines.
    private func writeLines(_ opened: Segment) throws {
        var stream = StandardOutput()
        for key in try opened.sortedKeys() {
            // Nil: somebody has deleted the key meanwhile.
            guard let value = try opened.get(key) else { continue }
            var object = JSONObject()
            object.append("key", bytes: key)
            object.append("value", base64: value)
            try stream.write(object.line)
        }
        try stream.finish()
    }
}
