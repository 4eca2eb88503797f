internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon
internal import SharedMemKeeper

/// The program: reads its command line, then the configuration, then serves.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sharedmemd",
        abstract: "Own named shared-memory segments and hand them to the programs that may use them.",
        discussion: """
            Reads \(ConfigurationSource.defaultFile) unless --config names another file; without either, built-in \
            values count. Ends on SIGTERM or SIGINT, reads the configuration again on SIGHUP. Exit codes: 0 ended as \
            asked, 64 usage, 69 the socket belongs to somebody else, 71 the system refused something, 78 configuration.

            Where no service manager has started it (neither NOTIFY_SOCKET nor LISTEN_PID is set), it is its own \
            keeper: a parent that holds the socket and what the daemon has stored, and starts the daemon again when it \
            dies. Started as root, both become the user sharedmemd, if there is one. SIGUSR2 makes the keeper the \
            program that is installed at its path by then, and starts the daemon anew; nothing is lost.
            """,
        version: "0.1.0")

    @Option(help: ArgumentHelp("Read the configuration from this file.", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp("Listen here, whatever the configuration says.", valueName: "path"),
        transform: Program.socketPath)
    var socket: String?

    @Option(
        help: ArgumentHelp("Remember segments here, whatever the configuration says.", valueName: "dir"),
        transform: Program.nonEmptyPath)
    var stateDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Log error, warning, notice, info or debug, whatever the configuration says.", valueName: "level"),
        transform: Program.level)
    var logLevel: Log.Level?

    // Where the two contradict each other the first counts: a keeper puts its own word in front.
    @Flag(
        inversion: .prefixedNo, exclusivity: .chooseFirst,
        help: "Run under a keeper of its own, or don't, whoever has started it.")
    var keeper: Bool?

    @Option(
        help: ArgumentHelp(
            "Under a keeper: abort a daemon that is silent this long, 1 to 3600 s; 0: never.", valueName: "seconds"),
        transform: Program.watchdog)
    var watchdog: Int = 30

    @Flag(help: "Say whether the configuration can be used, and don't start.")
    var checkConfig = false

    /// Runs the program and ends the process; each failure is one sentence on standard error.
    static func main() {
        do {
            let program = try parse()
            try program.serve()
        } catch let error as DaemonError {
            fail(error.description, code: error.exitCode.rawValue)
        } catch let error as ConfigurationError {
            fail(error.description, code: DaemonError.ExitCode.configuration.rawValue)
        } catch {
            let code = exitCode(for: error)
            // Help and version are what was asked for.
            guard !code.isSuccess else { exit(withError: error) }
            fail("\(message(for: error)); see sharedmemd --help", code: DaemonError.ExitCode.usage.rawValue)
        }
    }

    /// Checks the configuration, keeps a server, or serves, until the end is asked for.
    private func serve() throws {
        let source = ConfigurationSource(
            file: config, socketPath: socket, stateDirectory: stateDirectory, logLevel: logLevel)
        let memory = try Machine.memory()
        let isKeeper = !checkConfig && keeper ?? Self.hasNoServiceManager
        let loaded: ConfigurationSource.Loaded
        do throws(ConfigurationError) {
            loaded = try source.load(memory: memory)
        } catch {
            guard isKeeper, Keeper.takesOver else { throw error }
            // What the keeper before holds would be lost; each server says again what is wrong.
            Log(threshold: .error).write(.error, "\(error); the keeper goes on")
            Glibc.exit(try keeper(of: Configuration(sharedGroup: 0)).run())
        }
        if checkConfig {
            for warning in loaded.warnings { Log(threshold: .warning).write(.warning, warning) }
            print("\(loaded.origin): ok")
        } else if isKeeper {
            Glibc.exit(try keeper(of: loaded.configuration).run())
        } else {
            try Self.takeName()
            try Daemon(source: source, loaded: loaded, memory: memory).run()
        }
    }

    /// Whether nobody has started the program who would start it again or has a socket for it.
    private static var hasNoServiceManager: Bool {
        ThisProcess.environmentValue(of: "NOTIFY_SOCKET") == nil
            && ThisProcess.environmentValue(of: "LISTEN_PID") == nil
    }

    /// Makes `ps` show the program's name, which for a server that a keeper has started would be `exe`.
    private static func takeName() throws(DaemonError) {
        do throws(Errno) {
            try ThisProcess.setProgramName("sharedmemd")
        } catch {
            throw DaemonError(.system, "the process can't be named: \(error)")
        }
    }

    /// Makes the keeper of a server that has the same arguments.
    private func keeper(of configuration: Configuration) throws(DaemonError) -> Keeper {
        let name = Array(CommandLine.arguments.prefix(1))
        let rest = CommandLine.arguments.dropFirst()
        return try Keeper(
            options: Keeper.Options(
                socketPath: configuration.socketPath, stateDirectory: configuration.stateDirectory,
                serverArguments: name + ["--no-keeper"] + rest, keeperArguments: name + ["--keeper"] + rest,
                watchdog: watchdog == 0 ? nil : .seconds(watchdog)),
            log: Log(threshold: configuration.logLevel))
    }

    /// Says why the program ends, and ends it.
    private static func fail(_ sentence: String, code: Int32) -> Never {
        Log(threshold: .error).write(.error, sentence)
        Glibc.exit(code)
    }
}

// MARK: Values

extension Program {
    /// Reads a socket's path.
    @Sendable private static func socketPath(_ text: String) throws -> String {
        guard (1...107).contains(text.utf8.count) else {
            throw ValidationError("the path has \(text.utf8.count) bytes; expected 1 to 107")
        }
        return text
    }

    /// Reads a path.
    @Sendable private static func nonEmptyPath(_ text: String) throws -> String {
        guard !text.isEmpty else { throw ValidationError("the path is empty") }
        return text
    }

    /// Reads a number of seconds.
    @Sendable private static func watchdog(_ text: String) throws -> Int {
        guard let seconds = Int(text), (0...3600).contains(seconds) else {
            throw ValidationError("expected 0 to 3600")
        }
        return seconds
    }

    /// Reads a level's name.
    @Sendable private static func level(_ text: String) throws -> Log.Level {
        guard let level = Log.Level(name: text) else {
            throw ValidationError("expected error, warning, notice, info or debug")
        }
        return level
    }
}
