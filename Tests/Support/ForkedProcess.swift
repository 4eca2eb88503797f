package import Glibc

/// A forked copy of this process.
package struct ForkedProcess: Sendable {
    /// Its number.
    package let identifier: pid_t

    /// A process can't be forked or waited for.
    package struct Failure: Error, CustomStringConvertible {
        /// One sentence.
        package let description: String
    }

    /// Forks; the copy runs `body` and ends with the exit code that it returns.
    ///
    /// Only for a process with one thread: a copy has no other threads, and whatever they held stays held.
    package init(running body: () -> Int32) throws(Failure) {
        // Swift's Glibc module doesn't offer fork(2).
        typealias Call = @convention(c) () -> pid_t
        guard let symbol = unsafe dlsym(nil, "fork") else { throw Failure(description: "there is no fork") }
        identifier = unsafe unsafeBitCast(symbol, to: Call.self)()
        guard identifier >= 0 else { throw Failure(description: "fork: errno \(errno)") }
        if identifier == 0 { _exit(body()) }
    }

    /// How a process ended.
    package enum End: Equatable, Sendable {
        /// By itself, with an exit code.
        case exit(Int32)
        /// By a signal.
        case signal(Int32)
    }

    /// Waits until it has ended and says how; `waitpid(2)`.
    package func waitUntilEnd() throws(Failure) -> End {
        while true {
            if let end = try end(options: 0) { return end }
        }
    }

    /// How it ended; nil: it runs.
    package func endIfAny() throws(Failure) -> End? { try end(options: WNOHANG) }

    private func end(options: Int32) throws(Failure) -> End? {
        var status: Int32 = 0
        let found = unsafe waitpid(identifier, &status, options)
        if found == 0 || found < 0 && errno == EINTR { return nil }
        guard found == identifier else { throw Failure(description: "waitpid(\(identifier)): errno \(errno)") }
        let signal = status & 0x7f
        return signal == 0 ? .exit(status >> 8 & 0xff) : .signal(signal)
    }

    /// Ends it at once, wherever it is; `kill(2)`.
    package func kill() throws(Failure) { try send(SIGKILL) }

    /// Sends it a signal; `kill(2)`.
    package func send(_ signal: Int32) throws(Failure) {
        guard Glibc.kill(identifier, signal) == 0 else {
            throw Failure(description: "kill(\(identifier), \(signal)): errno \(errno)")
        }
    }
}
