internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

extension Supervision {
    /// What happens.
    enum Event: Sendable {
        /// The keeper is ready.
        case begin
        /// A server runs.
        case started(pid: Int32)
        /// No server could be started.
        case notStarted(Errno)
        /// The program couldn't be replaced.
        case notReplaced(Errno)
        /// The server has ended.
        case ended(ChildProcess.End)
        /// The server says something.
        case notified(Notification)
        /// SIGTERM, SIGINT, SIGHUP or SIGUSR2 came.
        case signalled(Int32)
        /// The deadline may be reached.
        case timePassed
    }

    /// What is to be done.
    enum Effect: Equatable, Sendable {
        /// Start a server.
        case start
        /// Send the server a signal.
        case send(Int32)
        /// Turn the keeper into the program that is installed now.
        case replaceProgram
        /// End the keeper with this exit code.
        case end(code: Int32)
        /// Write a line.
        case log(Log.Level, String)
    }

    /// The times that count.
    struct Limits: Equatable, Sendable {
        /// How long a server may be silent before it is aborted; nil: for ever.
        var watchdog: Duration?
        /// How long it may be silent before it is ready, if that is longer.
        var start = Duration.seconds(90)
        /// How long it has to end when asked to, before it is killed.
        var stop = Duration.seconds(30)
        /// How long it has to die of SIGABRT, before it is killed.
        var abort = Duration.seconds(10)

        /// How long a server may be silent now; nil: for ever.
        func silence(of server: Server) -> Duration? {
            guard let watchdog, !server.isStopping else { return nil }
            return server.readyAt == nil ? max(watchdog, start) : watchdog
        }
    }

    /// A server that runs.
    struct Server: Sendable {
        /// Its pid.
        let pid: Int32
        /// When it was started.
        let startedAt: Time
        /// When it was heard last.
        var heardAt: Time
        /// When it was ready first; nil: not yet.
        var readyAt: Time?
        /// Whether it is to read its configuration again as soon as it is ready.
        var isReloadOwed = false
        /// Whether it was asked to end.
        var isStopping = false
        /// When it is killed; nil: it isn't.
        var killedAt: Time?
    }
}

extension ChildProcess.End {
    /// What a keeper ends with whose server ended like this.
    var exitCode: Int32 {
        switch self {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        }
    }

    /// How it ended, for a sentence.
    var words: String {
        switch self {
        case .exited(let code): "ended with exit code \(code)"
        case .killed(let signal): "was ended by signal \(signal)"
        }
    }
}

extension Duration {
    /// The time for a sentence: `100 ms`, `5 s`.
    var words: String {
        let milliseconds = self / .milliseconds(1)
        return milliseconds < 1000 ? "\(Int(milliseconds)) ms" : "\((self / .milliseconds(100)).rounded() / 10) s"
    }
}
