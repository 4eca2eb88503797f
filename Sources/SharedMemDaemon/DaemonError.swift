internal import Glibc

/// Why the daemon can't start or go on.
package struct DaemonError: Error, Sendable, CustomStringConvertible {
    /// What the process ends with, as in sysexits.h.
    package let exitCode: ExitCode
    /// One sentence that an operator can act on.
    package let description: String

    /// What the process ends with.
    package enum ExitCode: Int32, Sendable {
        /// The command line is wrong.
        case usage = 64
        /// The socket belongs to somebody else.
        case unavailable = 69
        /// The system refused something.
        case system = 71
        /// The configuration is wrong.
        case configuration = 78
    }

    package init(_ exitCode: ExitCode, _ description: String) {
        self.exitCode = exitCode
        self.description = description
    }
}
