internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

extension Keeper {
    /// What the path of the notification socket has behind the listening socket's.
    static let notificationSuffix = ".notify"

    /// Whether this process takes the place of a keeper, whose descriptors are lost if it doesn't go on.
    package static var takesOver: Bool {
        let names = ThisProcess.environmentValue(of: "LISTEN_FDNAMES") ?? ""
        return names.split(separator: ":").contains { $0 == ListenVariables.ownControl }
    }

    /// Listens, or takes the socket that it found open.
    static func listener(
        _ options: Options, inheriting inherited: consuming Inheritance?
    ) throws(DaemonError) -> Listener {
        if let inherited {
            let ownsPath = inherited.ownsPath
            return try Listener(adopting: inherited.socket, ownsPath: ownsPath)
        }
        let limit = 107 - notificationSuffix.utf8.count
        guard options.socketPath.utf8.count <= limit else {
            throw DaemonError(
                .unavailable,
                "the socket's path has \(options.socketPath.utf8.count) bytes: \(options.socketPath); expected at most "
                    + "\(limit) under the keeper")
        }
        do throws(DaemonError) {
            return try Listener(path: options.socketPath)
        } catch {
            guard error.exitCode == .system else { throw error }
            throw DaemonError(.system, "\(error) (the daemon's user is uid \(geteuid()))")
        }
    }

    /// Makes the socket where servers tell how they are, in place of a dead keeper's: this one listens beside it.
    static func notificationSocket(at path: String) throws(Errno) -> DatagramSocket {
        var status = stat()
        if unsafe lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else { throw .fileExists }
            guard unsafe unlink(path) == 0 else { throw Errno(rawValue: errno) }
        }
        return try DatagramSocket.bound(to: path)
    }

    /// Chooses where servers tell how they are, as an absolute path, which libsystemd wants.
    ///
    /// It is beside the listening socket, in a folder of the daemon's; a name without a file could be flooded by every
    /// user.
    static func notificationPath(for socketPath: String) throws(Errno) -> String {
        let path = socketPath + notificationSuffix
        guard !path.hasPrefix("/") else { return path }
        var folder = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe getcwd(&folder, folder.count) != nil else { throw Errno(rawValue: errno) }
        return text(folder) + "/" + path
    }

    /// How many descriptors can be kept: a server that is started needs room for them twice for a moment.
    static func descriptorLimit(_ options: Options, _ log: Log) -> Int {
        do throws(Errno) {
            return min(
                options.descriptorLimit, max(try Machine.raiseDescriptorLimit() - reservedDescriptorCount, 0) / 2)
        } catch {
            log.write(.warning, "the limit of open descriptors can't be raised: \(error), ignoring")
            return min(options.descriptorLimit, reservedDescriptorCount)
        }
    }

    /// How many descriptors the keeper itself has at most.
    private static let reservedDescriptorCount = 64

    /// Makes root's process the daemon's user's, with the folders that this one needs; without such a user it stays.
    static func giveUpRoot(_ options: Options, _ log: Log) throws(DaemonError) {
        guard geteuid() == 0 else { return }
        guard let account = try DaemonAccount(named: options.user) else {
            log.write(
                .warning,
                "started as root, and there is no user \(options.user) to be instead: the daemon runs as root")
            return
        }
        if let folder = folder(of: options.socketPath) { try account.makeFolder(folder, mode: 0o755) }
        if let folder = options.stateDirectory { try account.makeFolder(folder, mode: 0o700) }
        try account.become()
        log.write(.notice, "started as root, goes on as \(account.name) (uid \(account.uid))")
    }

    /// The folder that a file is in; nil: the current one or the root.
    private static func folder(of path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }

    /// The path of the program that runs: `readlink(2)` of `/proc/self/exe`.
    static func ownPath() throws(DaemonError) -> String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let byteCount = unsafe readlink("/proc/self/exe", &path, path.count - 1)
        guard byteCount > 0 else {
            throw DaemonError(
                .system, "/proc/self/exe can't be read: \(Errno(rawValue: errno)); expected /proc mounted")
        }
        return text(path)
    }

    /// The text of a buffer that ends with a zero.
    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
