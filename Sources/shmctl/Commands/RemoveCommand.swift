internal import ArgumentParser
internal import SharedMem

/// Removes a segment.
struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a segment and its values.",
        discussion: "Programs that are attached get an error at their next call.")

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The segment's name.")
    var segment: String

    /// Asks the daemon to remove the segment.
    func run() throws {
        try connection.session().remove(segment)
    }
}
