internal import ArgumentParser
internal import SharedMem

/// Lists keys.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "List the keys of a segment, in the order of their bytes.",
        discussion: """
            One key a line; a key may itself hold a line feed, so scripts use -0 or --json. On a terminal control \
            characters and backslashes are escaped.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Option(help: "Only keys that begin so.")
    var prefix: ByteArgument?

    @Flag(name: .customShort("0"), help: "End each key with a zero byte instead of a line feed.")
    var endsWithZero = false

    /// Refuses options that contradict each other.
    func validate() throws {
        if endsWithZero, output.isJSON { throw ValidationError("-0 and --json can't be used together") }
    }

    /// Writes the keys.
    func run() throws {
        let opened = try connection.session().open(segment, access: .readOnly)
        let keys = try opened.sortedKeys(prefix: prefix?.bytes ?? [])
        let isTerminal = StandardOutput.isTerminal
        var stream = StandardOutput()
        for key in keys {
            if output.isJSON {
                var object = JSONObject()
                object.append("key", bytes: key)
                try stream.write(object.line)
            } else if endsWithZero {
                try stream.write(key + [0])
            } else if isTerminal {
                try stream.write(line: TerminalText.escaped(key))
            } else {
                try stream.write(key + [UInt8(ascii: "\n")])
            }
        }
        try stream.finish()
    }
}
