internal import ArgumentParser
internal import SharedMem

/// Writes a value.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Write the value of a key.",
        discussion: """
            To a file or a pipe go exactly the value's bytes. On a terminal control characters are escaped and a \
            line feed ends the value. With --json: segment, key (or keyBase64), value in base64, and text when the \
            value is UTF-8.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: "The key: at most 512 bytes.")
    var key: ByteArgument

    /// Reads the value and writes it.
    func run() throws {
        let key = try key.key()
        let opened = try connection.session().open(segment, access: .readOnly)
        guard let value = try opened.get(key) else {
            throw Failure(.missing, "segment '\(segment)' has no key \(TerminalText.quoted(key))")
        }
        var stream = StandardOutput()
        if output.isJSON {
            try stream.write(json(key, value).line)
        } else if StandardOutput.isTerminal {
            let text = TerminalText.escaped(value, keepsLines: true)
            try stream.write(Array(text.utf8) + (text.utf8.last == UInt8(ascii: "\n") ? [] : [UInt8(ascii: "\n")]))
        } else {
            try stream.write(value)
        }
        try stream.finish()
    }

    /// The value as a JSON object.
    private func json(_ key: [UInt8], _ value: [UInt8]) -> JSONObject {
        var object = JSONObject()
        object.append("segment", segment)
        object.append("key", bytes: key)
        object.append("value", base64: value)
        if let text = String(validating: value, as: UTF8.self) { object.append("text", text) }
        return object
    }
}
