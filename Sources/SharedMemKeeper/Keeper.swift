internal import Glibc
internal import LinuxIPC
package import SharedMemDaemon

/// The daemon's parent where no service manager runs: holds the listening socket and the descriptors that the server
/// stores, and starts the server again when it dies.
package final class Keeper {
    /// What it is told.
    let options: Options
    /// Where sentences go.
    let log: Log
    /// The socket that clients connect to; nil: closed at the end.
    private var listener: Listener?
    /// The same socket, for the servers.
    let listening: HeldDescriptor
    /// Where servers tell how they are.
    private let notifications: DatagramSocket
    /// The path of that socket.
    let notificationPath: String
    /// Where signals are read.
    private let signals: SignalFile
    /// The program that replaces this one when it's asked for: what stands at this one's path then.
    let programPath: String
    /// What the servers have stored.
    var store: DescriptorStore
    /// Decides.
    var supervision: Supervision
    /// The server, until it is reaped.
    var server: ChildProcess?
    /// What the keeper ends with, once it is to.
    var exitCode: Int32?

    /// Gets ready: gives up root's rights, listens, and takes over what a keeper before it passes on.
    ///
    /// Listening comes after root's rights are gone, so that root makes no file where another user may put a link.
    package init(options: Options, log: Log) throws(DaemonError) {
        self.options = options
        self.log = log
        // A standard error that nobody reads any more mustn't end the daemon.
        signal(SIGPIPE, SIG_IGN)
        let limit = Self.descriptorLimit(options, log)
        try Self.giveUpRoot(options, log)
        programPath = try Self.ownPath()
        var store = DescriptorStore(limit: limit)
        let hasPast = Self.takesOver
        let listener = try Self.listener(options, inheriting: Inheritance.take(into: &store, log: log))
        supervision = Supervision(
            limits: .init(watchdog: options.watchdog), hasPast: hasPast || !store.entries.isEmpty)
        self.store = store
        do throws(Errno) {
            notificationPath = try Self.notificationPath(for: listener.path ?? options.socketPath)
            notifications = try Self.notificationSocket(at: notificationPath)
            listening = HeldDescriptor(try listener.duplicatedSocket())
            signals = try SignalFile([SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD])
        } catch {
            // What failed before is what counts.
            try? listener.close()
            throw DaemonError(.system, "the keeper's own socket beside \(options.socketPath) can't be made: \(error)")
        }
        self.listener = consume listener
    }

    /// Keeps a server running until the end is asked for, and returns the exit code.
    package func run() throws(DaemonError) -> Int32 {
        do throws(Errno) {
            handle(.begin)
            while true {
                if let exitCode {
                    close()
                    return exitCode
                }
                try wait()
                if !has(.lastWordsLost) { try takeNotifications() }
                while let signal = try signals.next() {
                    if signal != SIGCHLD { handle(.signalled(signal)) }
                }
                try reap()
                if has(.lastWordsLost) { try takeNotifications() }
                handle(.timePassed)
            }
        } catch {
            throw DaemonError(.system, "the keeper can't go on: \(error)")
        }
    }

    /// Waits for a datagram, a signal or the next deadline: `poll(2)`.
    private func wait() throws(Errno) {
        var ready = [
            pollfd(fd: notifications.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.descriptor.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        var milliseconds: Int32 = -1
        if let deadline = supervision.deadline {
            let left = (deadline - SuspendingClock.now) / .milliseconds(1)
            milliseconds = Int32(min(max(left.rounded(.up), 0), 3_600_000))
        }
        guard unsafe poll(&ready, nfds_t(ready.count), milliseconds) >= 0 || errno == EINTR else {
            throw Errno(rawValue: errno)
        }
    }

    /// Reaps all children that have ended: the server, and in a container whatever it has left behind.
    private func reap() throws(Errno) {
        while let child = try ChildProcess.ended() {
            guard child == server else {
                try child.reap()
                continue
            }
            // What it sent before it died is in the queue by now, and counts; once it is reaped its pid is nobody's.
            if !has(.lastWordsLost) { try takeNotifications() }
            server = nil
            handle(.ended(try child.reap()))
        }
    }

    /// Reads the datagrams that are there.
    private func takeNotifications() throws(Errno) {
        var buffer = [UInt8](repeating: 0, count: Notification.maximumByteCount)
        for _ in 0..<Self.datagramsAtOnce {
            guard let datagram = try notifications.receive(into: &buffer) else { return }
            take(datagram, buffer[..<datagram.byteCount])
        }
    }

    /// The datagrams that are read before signals are looked at again.
    private static let datagramsAtOnce = 4096

    /// Removes the paths.
    private func close() {
        do throws(Errno) {
            guard unsafe unlink(notificationPath) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
            try listener.take()?.close()
        } catch {
            log.write(.warning, "\(options.socketPath) can't be removed: \(error), ignoring")
        }
    }
}
