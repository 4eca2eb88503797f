internal import ArgumentParser
internal import Glibc
internal import SharedMemDaemon

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

    /// Checks the configuration or serves until the end is asked for.
    private func serve() throws {
        let source = ConfigurationSource(
            file: config, socketPath: socket, stateDirectory: stateDirectory, logLevel: logLevel)
        let memory = try Machine.memory()
        let loaded = try source.load(memory: memory)
        if checkConfig {
            for warning in loaded.warnings { Log(threshold: .warning).write(.warning, warning) }
            print("\(loaded.origin): ok")
        } else {
            try Daemon(source: source, loaded: loaded, memory: memory).run()
        }
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

    /// Reads a level's name.
    @Sendable private static func level(_ text: String) throws -> Log.Level {
        guard let level = Log.Level(name: text) else {
            throw ValidationError("expected error, warning, notice, info or debug")
        }
        return level
    }
}
