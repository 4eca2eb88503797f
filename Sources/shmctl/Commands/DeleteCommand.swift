internal import ArgumentParser
internal import SharedMem

/// Deletes keys.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete keys.",
        discussion: "A key that isn't there makes the exit status 1; all others are deleted all the same.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: ArgumentHelp("The keys: each at most 512 bytes.", valueName: "key"))
    var keys: [ByteArgument]

    /// Deletes one key after the other.
    func run() throws {
        let keys = try keys.map { try $0.key() }
        let opened = try connection.session().open(segment, access: .readWrite)
        var stream = StandardOutput()
        var missing: [String] = []
        for key in keys {
            let isDeleted = try opened.delete(key)
            if !isDeleted { missing.append(TerminalText.quoted(key)) }
            guard output.isJSON else { continue }
            var object = JSONObject()
            object.append("segment", segment)
            object.append("key", bytes: key)
            object.append("isDeleted", isDeleted)
            try stream.write(object.line)
        }
        try stream.finish()
        if !missing.isEmpty {
            throw Failure(.missing, "segment '\(segment)' has no key \(missing.joined(separator: ", "))")
        }
    }
}
