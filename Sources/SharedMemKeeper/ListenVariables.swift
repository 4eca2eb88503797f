/// Names the variables by which a server finds what it is given; `sd_listen_fds(3)`, `sd_notify(3)`.
enum ListenVariables {
    /// What the listening socket is called.
    static let control = "control"
    /// What a keeper that replaces its program calls the listening socket, whose path it has made and removes.
    static let ownControl = "own-control"

    /// The variables that hold the pid of the process they are meant for.
    static let ofProcess = ["LISTEN_PID", "WATCHDOG_PID"]

    /// The variables of this kind that a keeper was started with itself, and that no server inherits.
    private static let all: Set<String> = [
        "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "FDSTORE", "SHAREDMEMD_KEEPER", "WATCHDOG_PID",
        "WATCHDOG_USEC",
    ]

    /// Leaves those variables out of an environment of `NAME=value` entries.
    static func removed(from environment: [String]) -> [String] {
        environment.filter { entry in !all.contains(String(entry.prefix { $0 != "=" })) }
    }
}
