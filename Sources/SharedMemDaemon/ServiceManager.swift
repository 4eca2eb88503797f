internal import CSystemd
internal import Glibc
internal import LinuxIPC

/// Speaks with the service manager, where there is one: `sd_notify(3)`, `sd_listen_fds(3)`.
struct ServiceManager {
    /// Takes the listening socket that the service manager passes, if it passes any; to be asked once.
    ///
    /// Other descriptors are closed, and each becomes a sentence in `problems`.
    static func takeSocket(problems: inout [String]) throws(DaemonError) -> UnixSocket? {
        let count = sd_listen_fds(1)
        guard count >= 0 else {
            throw DaemonError(
                .system, "the service manager's descriptors can't be taken: \(Errno(rawValue: -count))")
        }
        var socket: UnixSocket?
        for raw in SD_LISTEN_FDS_START..<(SD_LISTEN_FDS_START + count) {
            let descriptor = FileDescriptor(owning: raw)
            if socket == nil, sd_is_socket_unix(raw, CInt(SOCK_SEQPACKET.rawValue), 1, nil, 0) > 0 {
                socket = UnixSocket(adopting: descriptor)
            } else {
                problems.append(
                    "the service manager passed descriptor \(raw), which isn't the one listening SOCK_SEQPACKET socket "
                        + "expected, ignoring")
            }
        }
        return socket
    }

    /// Says that the daemon serves.
    func ready() throws(Errno) { try notify("READY=1") }

    /// Says in words how things are.
    func status(_ sentence: String) throws(Errno) { try notify("STATUS=\(sentence)") }

    /// Says that the configuration is being read again, since `nanoseconds` of the monotonic clock.
    func reloading(since nanoseconds: UInt64) throws(Errno) {
        try notify("RELOADING=1\nMONOTONIC_USEC=\(nanoseconds / 1000)")
    }

    /// Says that the daemon ends.
    func stopping() throws(Errno) { try notify("STOPPING=1") }

    /// Sends one notification; without a service manager nothing happens.
    private func notify(_ state: String) throws(Errno) {
        try unsafe Errno.check(sd_notify(0, state))
    }
}
