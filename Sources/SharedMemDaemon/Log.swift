internal import Glibc
package import SharedMemBroker

/// Writes sentences to standard error: with a `<N>` level in front, which the journal understands, or with the level's
/// name on a terminal.
package struct Log: Sendable {
    /// What isn't at least this important is left out.
    package var threshold: Level

    /// How much a line matters; numbers as in syslog(3).
    package enum Level: Int, Sendable, CaseIterable {
        /// Something failed.
        case error = 3
        /// Something is not as it should be, and the daemon goes on.
        case warning = 4
        /// An ordinary event that matters.
        case notice = 5
        /// An ordinary event.
        case info = 6
        /// What helps to find a fault.
        case debug = 7
    }

    /// Makes a log that leaves out what is less important than `threshold`.
    package init(threshold: Level) {
        self.threshold = threshold
    }

    /// Writes one line.
    package func write(_ level: Level, _ sentence: @autoclosure () -> String) {
        guard level.rawValue <= threshold.rawValue else { return }
        let prefix = isatty(STDERR_FILENO) == 1 ? "\(level.name): " : "<\(level.rawValue)>"
        let line = Array("\(prefix)\(sentence().escapingControls)\n".utf8)
        // Nobody is left to be told when standard error can't be written.
        _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension Log.Level {
    /// The level's name in the configuration and on the command line.
    package var name: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }

    /// Finds the level of a name.
    package init?(name: String) {
        guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = level
    }

    /// Takes over the broker's level.
    package init(_ level: Broker.LogLevel) {
        switch level {
        case .error: self = .error
        case .warning: self = .warning
        case .notice: self = .notice
        case .info: self = .info
        }
    }
}

extension String {
    /// The text with control characters written as `\x0A`, so that no name can forge a line.
    var escapingControls: String {
        var escaped = ""
        for scalar in unicodeScalars {
            if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                escaped += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// The text between quotation marks, control characters escaped.
    var quoted: String { "\"\(escapingControls)\"" }
}
