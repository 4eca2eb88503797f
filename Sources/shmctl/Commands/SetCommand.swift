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
            A VALUE is kept as text if it is UTF-8, standard input as bytes; --type says otherwise. An int64 or a \
            double is written in digits, and kept as a number of 8 bytes.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var written: WrittenKey

    @Argument(help: "The value, or '-' for standard input.")
    var value: ByteArgument?

    @Option(help: "What the value is.")
    var type: ValueKind?

    @Option(
        help: ArgumentHelp(
            "Set only if the key has this version, 0: if there is no such key; otherwise exit status 2.",
            valueName: "version"))
    var ifVersion: UInt64?

    @Option(
        help: ArgumentHelp(
            "How long the value lives: a number with ms, s, m, h or d. (default: until it is replaced or deleted)",
            valueName: "duration"),
        transform: Lifetime.parse)
    var expiresIn: Duration?

    /// Sets the value.
    func run() throws {
        let (segment, key) = (written.segment, try written.key.key())
        if value == nil, StandardInput.isTerminal {
            throw Failure(.usage, "a VALUE is needed, or '-' to type one; see 'shmctl set --help'")
        }
        let argument = value.flatMap { $0.bytes == [UInt8(ascii: "-")] ? nil : $0.bytes }
        // A wrong argument needs no daemon to be refused.
        let given = try argument.map { bytes throws(Failure) in try TypedValue(bytes, as: type) }
        let session = try connection.session()
        let opened = try session.open(segment, access: .readWrite)
        let version = try set(key, to: given ?? standardInput(session), of: opened)
        guard output.isJSON else { return }
        var object = JSONObject(segment: segment, key: key)
        object.append("version", version)
        var stream = StandardOutput()
        try stream.write(object.line)
        try stream.finish()
    }

    /// Reads the value from standard input.
    private func standardInput(_ session: Session) throws -> TypedValue {
        try TypedValue(StandardInput.readAll(limit: session.info(of: written.segment).byteCount), as: type ?? .bytes)
    }

    /// Sets the value under the condition that was given.
    private func set(_ key: [UInt8], to value: TypedValue, of opened: Segment) throws -> UInt64 {
        var options = SetOptions()
        options.type = value.type
        options.ifVersion = ifVersion
        options.expiresIn = expiresIn
        do throws(SharedMemError) {
            return try opened.set(key, to: value.bytes, options)
        } catch {
            guard error.code == .versionDiffers, let ifVersion else { throw error }
            throw Failure.versionDiffers(opened.name, key, expected: ifVersion, actual: error.available)
        }
    }
}
