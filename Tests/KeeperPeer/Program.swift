internal import Glibc
internal import SharedMemDaemon
internal import SharedMemKeeper

/// Plays the program with a keeper in the tests: a keeper of a server whose every move the test commands.
///
///     sharedmem-keeper-peer keeper SOCKET [--watchdog SECONDS] [--limit COUNT] [--user NAME] [--fault NAME]
///         [--exit CODE]
///     sharedmem-keeper-peer server [CODE]
///     sharedmem-keeper-peer stranger
///
/// A server with a CODE ends with it at once. A stranger sends a descriptor to NOTIFY_SOCKET, as a server would.
@main
enum Program {
    static func main() {
        do throws(DaemonError) {
            switch CommandLine.arguments.dropFirst().first {
            case "keeper": exit(try keeper())
            case "server":
                if CommandLine.arguments.count > 2, let code = Int32(CommandLine.arguments[2]) { exit(code) }
                try Server().run()
            case "stranger": try Server.store("stranger", "foreign")
            default: exit(64)
            }
        } catch {
            Log(threshold: .error).write(.error, error.description)
            exit(error.exitCode.rawValue)
        }
    }

    /// Runs a keeper.
    private static func keeper() throws(DaemonError) -> Int32 {
        let name = CommandLine.arguments[0]
        let options = Keeper.Options(
            socketPath: CommandLine.arguments[2], stateDirectory: nil,
            serverArguments: [name, "server"] + (option("--exit").map { [$0] } ?? []),
            keeperArguments: CommandLine.arguments,
            watchdog: option("--watchdog").flatMap { Int($0) }.map { .seconds($0) },
            descriptorLimit: option("--limit").flatMap { Int($0) } ?? 4096, user: option("--user") ?? "sharedmemd",
            fault: option("--fault").flatMap { Keeper.Fault(rawValue: $0) })
        return try Keeper(options: options, log: Log(threshold: .debug)).run()
    }

    /// Reads the word behind an option.
    private static func option(_ name: String) -> String? {
        guard let index = CommandLine.arguments.firstIndex(of: name), index + 1 < CommandLine.arguments.count else {
            return nil
        }
        return CommandLine.arguments[index + 1]
    }
}
