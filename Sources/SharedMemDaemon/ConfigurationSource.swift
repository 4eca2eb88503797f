internal import Glibc
internal import LinuxIPC

/// Where the configuration comes from: a file, and flags that win over it.
package struct ConfigurationSource: Sendable {
    /// The file that was named; nil: the default one, which may be missing.
    package var file: String?
    /// Wins over `socket`.
    package var socketPath: String?
    /// Wins over `state-directory`.
    package var stateDirectory: String?
    /// Wins over `log-level`.
    package var logLevel: Log.Level?

    /// The file that is read when none is named.
    package static let defaultFile = "/etc/sharedmemd/sharedmemd.yaml"

    package init(
        file: String? = nil, socketPath: String? = nil, stateDirectory: String? = nil, logLevel: Log.Level? = nil
    ) {
        self.file = file
        self.socketPath = socketPath
        self.stateDirectory = stateDirectory
        self.logLevel = logLevel
    }

    /// What the source holds.
    package struct Loaded: Sendable {
        /// The configuration, with the flags in it.
        package var configuration: Configuration
        /// Where it comes from, for a message: the file, or that there is none.
        package let origin: String
        /// What is odd; sentences.
        package let warnings: [String]
    }

    /// Reads the file, if there is one, on a machine with `memory` bytes.
    package func load(accounts: Accounts = .system, memory: UInt64) throws(ConfigurationError) -> Loaded {
        let path = file ?? Self.defaultFile
        var reader = ConfigurationReader(file: path, accounts: accounts, memory: memory)
        var configuration: Configuration
        var origin = path
        if let text = try text(path) {
            configuration = try reader.read(text)
        } else {
            configuration = try reader.builtIn()
            origin = "built-in configuration (there is no \(path))"
        }
        if let socketPath { configuration.socketPath = socketPath }
        if let stateDirectory { configuration.stateDirectory = stateDirectory }
        if let logLevel { configuration.logLevel = logLevel }
        return Loaded(configuration: configuration, origin: origin, warnings: reader.warnings)
    }

    /// Reads the file's text; nil: it's missing and nobody named it.
    private func text(_ path: String) throws(ConfigurationError) -> String? {
        do throws(TextFile.Failure) {
            return try TextFile.read(path)
        } catch {
            if file == nil, case .system(.noSuchFileOrDirectory) = error { return nil }
            throw ConfigurationError(file: path, line: nil, sentence: "the configuration can't be read: \(error)")
        }
    }
}
