internal import ArgumentParser
internal import SharedMem

/// Where the daemon is; every command has these options.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("socket"),
        help: ArgumentHelp(
            "The daemon's socket (default: $SHAREDMEM_SOCKET, or else /run/sharedmemd/control.sock).",
            valueName: "path"))
    var socketPath: String?

    /// Connects to the daemon.
    func session() throws(SharedMemError) -> Session {
        try Session(socketPath: socketPath)
    }
}
