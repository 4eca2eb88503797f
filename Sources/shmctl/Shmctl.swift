internal import ArgumentParser
internal import Glibc
internal import SharedMem

/// The command that holds all others.
@main
struct Shmctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shmctl",
        abstract: "Make, list and fill shared-memory segments that sharedmemd keeps.",
        discussion: """
            Data goes to standard output, words to standard error. A KEY or a VALUE that begins with a dash stands \
            after '--', but for a negative number as a VALUE or a DELTA.

            Exit status: 0 done; 1 no such key or segment; 2 condition not met (version differs, time-out); 64 wrong \
            usage; 69 no daemon; 73 full; 74 input or output failed; 77 not permitted.
            """,
        version: "0.1.0",
        subcommands: [
            CreateCommand.self, RemoveCommand.self, ListCommand.self, ShowCommand.self, GetCommand.self,
            SetCommand.self, AddCommand.self, DeleteCommand.self, TransactionCommand.self, KeysCommand.self,
            WatchCommand.self,
            ImportCommand.self, ExportCommand.self, StatusCommand.self, ClientsCommand.self,
        ])

    @OptionGroup var connection: ConnectionOptions

    /// Refuses to run without a command.
    func run() throws {
        throw Failure(.usage, "a command is needed; 'shmctl --help' lists them")
    }

    /// Runs the process.
    static func main() {
        Glibc.exit(run(ByteArgument.commandLine()).rawValue)
    }

    /// Runs the command that `arguments` name and says on standard error why it failed, if it did.
    static func run(_ arguments: [String]) -> ExitStatus {
        do {
            var command = try parseAsRoot(ByteArgument.disguisingNumbers(arguments))
            try command.run()
            return .success
        } catch let failure as Failure {
            StandardError.say(failure.text)
            return failure.status
        } catch let error as SharedMemError {
            let failure = Failure(error)
            StandardError.say(failure.text)
            return failure.status
        } catch {
            return finish(error, arguments)
        }
    }

    /// Shows a help text or the version, which the argument parser throws too, or says what is wrong with
    /// `arguments`.
    private static func finish(_ error: any Error, _ arguments: [String]) -> ExitStatus {
        guard exitCode(for: error) != .success else {
            do {
                var output = StandardOutput()
                let text = Array(fullMessage(for: error).utf8)
                try output.write(text + (text.last == UInt8(ascii: "\n") ? [] : [UInt8(ascii: "\n")]))
                try output.finish()
                return .success
            } catch {
                StandardError.say("can't write to standard output")
                return .inputOutput
            }
        }
        StandardError.say(UsageSentence(message(for: error), arguments: arguments).text)
        return .usage
    }
}
