internal import ArgumentParser
internal import SharedMem

/// Writes a value.
struct GetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Write the value of a key.",
        discussion: """
            To a file or a pipe go exactly the value's bytes, and an int64 or a double as digits. On a terminal \
            control characters are escaped and a line feed ends the value. With --json: segment, key (or keyBase64), \
            value in base64, number or text when it is one, type and version.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: "The key: at most 512 bytes.")
    var key: ByteArgument

    @Flag(help: "Write the value's bytes as they are stored, to a terminal too.")
    var raw = false

    @Flag(
        help:
            "Write what is known of the value instead: version, when and by whom it was written, type, length, expiry.")
    var meta = false

    /// Refuses options that contradict each other.
    func validate() throws {
        if raw, output.isJSON { throw ValidationError("--raw and --json can't be used together") }
        if raw, meta { throw ValidationError("--raw and --meta can't be used together") }
    }

    /// Reads the value and writes it.
    func run() throws {
        let key = try key.key()
        let opened = try connection.session().open(segment, access: .readOnly)
        var stream = StandardOutput()
        if meta {
            try writeMetadata(present(opened.metadata(key), key), key, &stream)
        } else {
            try write(present(opened.storedValue(key), key), key, &stream)
        }
        try stream.finish()
    }

    /// Unwraps what was found of `key`.
    private func present<Found>(_ found: Found?, _ key: [UInt8]) throws(Failure) -> Found {
        guard let found else { throw Failure(.missing, "segment '\(segment)' has no key \(TerminalText.quoted(key))") }
        return found
    }

    /// Writes the value.
    private func write(_ value: StoredValue, _ key: [UInt8], _ stream: inout StandardOutput) throws(Failure) {
        if output.isJSON {
            var object = JSONObject(segment: segment, key: key)
            value.append(to: &object)
            return try stream.write(object.line)
        }
        if raw { return try stream.write(value.bytes) }
        let bytes = value.digits.map { Array($0.utf8) } ?? value.bytes
        guard StandardOutput.isTerminal else { return try stream.write(bytes) }
        let text = TerminalText.escaped(bytes, keepsLines: true)
        try stream.write(Array(text.utf8) + (text.utf8.last == UInt8(ascii: "\n") ? [] : [UInt8(ascii: "\n")]))
    }

    /// Writes what is known of the value.
    private func writeMetadata(_ info: ValueMetadata, _ key: [UInt8], _ stream: inout StandardOutput) throws(Failure) {
        guard output.isJSON else {
            for line in info.lines { try stream.write(line: line) }
            return
        }
        var object = JSONObject(segment: segment, key: key)
        info.append(to: &object)
        try stream.write(object.line)
    }
}
