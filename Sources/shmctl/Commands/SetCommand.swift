internal import ArgumentParser
internal import SharedMem

/// Sets a value.
struct SetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the value of a key.",
        discussion: """
            Without a VALUE, or with '-', the value is standard input, byte by byte as it comes; a terminal is read \
            only when '-' asks for it.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: "The key: at most 512 bytes.")
    var key: ByteArgument

    @Argument(help: "The value, or '-' for standard input.")
    var value: ByteArgument?

    /// Sets the value.
    func run() throws {
        let key = try key.key()
        if value == nil, StandardInput.isTerminal {
            throw Failure(.usage, "a VALUE is needed, or '-' to type one; see 'shmctl set --help'")
        }
        let session = try connection.session()
        let opened = try session.open(segment, access: .readWrite)
        let bytes: [UInt8]
        if let value, value.bytes != [UInt8(ascii: "-")] {
            bytes = value.bytes
        } else {
            bytes = try StandardInput.readAll(limit: session.info(of: segment).byteCount)
        }
        let version = try opened.set(key, to: bytes)
        guard output.isJSON else { return }
        var object = JSONObject()
        object.append("segment", segment)
        object.append("key", bytes: key)
        object.append("version", version)
        var stream = StandardOutput()
        try stream.write(object.line)
        try stream.finish()
    }
}
