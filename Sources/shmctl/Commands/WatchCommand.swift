internal import ArgumentParser
internal import SharedMem

/// Tells of changes.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Write a line for each change of a key, of the keys with a prefix, or of all keys.",
        discussion: """
            A line is 'set KEY VALUE' or 'delete KEY', as the command transaction reads it: a word that needs it is in \
            double quotes, with escapes. Changes that follow each other quickly may become one line; the last one always \
            comes. If there were too many to follow, everything that is there now comes once more, and standard error says \
            so. With --json: segment, key (or keyBase64), change ("set", "deleted" or "listed"), version, and for all but \
            a deletion value in base64, number or text when it is one, and type.

            With --exec a shell runs COMMAND for each change, one after the other, instead of writing a line: the value is \
            its standard input, and its environment has SHMCTL_SEGMENT, SHMCTL_CHANGE (set, deleted or listed), \
            SHMCTL_VERSION, SHMCTL_KEY_BASE64, and SHMCTL_KEY unless the key has a zero byte.

            It runs until it's interrupted, or until --once or --timeout ends it; the exit status is 2 if that came before \
            any change.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: "The key: at most 512 bytes; without one, all keys.")
    var key: ByteArgument?

    @Option(help: "Only keys that begin so.")
    var prefix: ByteArgument?

    @Option(help: ArgumentHelp("Run a command for each change.", valueName: "command"))
    var exec: ByteArgument?

    @Flag(help: "End with the first change.")
    var once = false

    @Option(
        help: ArgumentHelp("End after so long: a whole number with ms, s, m, h or d.", valueName: "duration"),
        transform: Lifetime.parse)
    var timeout: Duration?

    @Flag(help: "Begin with what is there now.")
    var initial = false

    /// Refuses options that contradict each other.
    func validate() throws {
        if key != nil, prefix != nil { throw ValidationError("a KEY and --prefix can't be used together") }
        if exec != nil, output.isJSON { throw ValidationError("--exec and --json can't be used together") }
        if let exec, exec.bytes.contains(0) || exec.bytes.isEmpty { throw ValidationError("--exec needs a command") }
    }

    /// Tells of changes until it's enough.
    func run() throws {
        let opened = try connection.session().open(segment, access: .readOnly)
        let watch = try watch(opened)
        var teller = ChangeTeller(segment: opened, isJSON: output.isJSON, command: exec?.bytes)
        let start = ContinuousClock.now
        // The first listing was asked for.
        var isListingExpected = initial
        while let changes = try watch.next(timeout: timeout.map { max($0 - start.duration(to: .now), .zero) }) {
            if changes.isListing, !isListingExpected {
                StandardError.say("changes were missed: everything that is there now follows")
            }
            isListingExpected = false
            for change in changes.changes {
                try teller.tell(change, isListed: changes.isListing)
                if once, teller.count > 0 { return }
            }
        }
        guard teller.count > 0 else { throw Failure(.notMet, "nothing has changed in that time") }
    }

    /// What is asked to be watched.
    private func watch(_ opened: Segment) throws -> Watch {
        if let key { return try opened.watch(key.key(), after: initial ? 0 : nil) }
        return try opened.watch(prefix: prefix?.key() ?? [], listingFirst: initial)
    }
}
