internal import ArgumentParser
internal import SharedMem

/// Makes a segment.
struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a segment.",
        discussion: """
            The memory is reserved at once. The daemon remembers the segment over a reboot, without its values.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name: 1 to 64 of A-Z a-z 0-9 . _ - and no dot at the start.")
    var segment: String

    @Option(help: "How much memory: bytes, or a number with KiB, MiB, GiB or TiB.", transform: ByteSize.parse)
    var size: UInt64

    @Option(
        help: "Permission bits, octal; r attaches for reading, rw for writing. (default: 0600)",
        transform: FileMode.parse)
    var mode: UInt32?

    @Option(help: ArgumentHelp("The owner, by name or number. (default: you)", valueName: "user"))
    var owner: String?

    @Option(help: "The group, by name or number. (default: yours)")
    var group: String?

    @Option(help: ArgumentHelp("How many keys the index is made for. (default: as fits the size)", valueName: "count"))
    var entries: UInt64?

    /// Asks the daemon for the segment.
    func run() throws {
        var options = SegmentOptions()
        options.byteCount = size
        if let mode { options.mode = mode }
        if let entries { options.entryCount = entries }
        if let owner { options.owner = try Account.user(owner) }
        if let group { options.group = try Account.group(group) }
        let session = try connection.session()
        try session.create(segment, options: options)
        guard output.isJSON else { return }
        var stream = StandardOutput()
        try stream.write(session.info(of: segment).json.line)
        try stream.finish()
    }
}
