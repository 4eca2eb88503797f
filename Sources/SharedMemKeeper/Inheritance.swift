internal import CSystemd
internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

/// A listening socket that a keeper finds open: that of the keeper whose place it takes, or a socket activator's.
struct Inheritance: ~Copyable {
    /// The socket.
    let socket: UnixSocket
    /// Whether the keeper before has made its path, which is this one's to remove then.
    let ownsPath: Bool

    /// Takes the listening socket, nil if there is none, and puts all others into the store: `sd_listen_fds(3)`.
    ///
    /// To be asked once. What can't be used is closed and logged.
    static func take(into store: inout DescriptorStore, log: Log) throws(DaemonError) -> Inheritance? {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count >= 0 else {
            throw DaemonError(.system, "the descriptors that were passed can't be taken: \(Errno(rawValue: -count))")
        }
        defer {
            if let names = unsafe names {
                for index in 0..<Int(count) { unsafe free(names[index]) }
                unsafe free(names)
            }
        }
        var taken: Inheritance?
        for index in 0..<Int(count) {
            let raw = SD_LISTEN_FDS_START + CInt(index)
            let descriptor = FileDescriptor(owning: raw)
            var name = ""
            if let names = unsafe names, let text = unsafe names[index] { unsafe name = String(cString: text) }
            let isListening = sd_is_socket_unix(raw, CInt(SOCK_SEQPACKET.rawValue), 1, nil, 0) > 0
            if isListening, taken == nil {
                let isOwn = name == ListenVariables.ownControl
                taken = Inheritance(socket: UnixSocket(adopting: descriptor), ownsPath: isOwn)
            } else {
                keep(descriptor, name: name, in: &store, log)
            }
        }
        return taken
    }

    /// Puts one descriptor into the store.
    private static func keep(
        _ descriptor: consuming FileDescriptor, name: String, in store: inout DescriptorStore, _ log: Log
    ) {
        guard Notification.isName(name) else {
            log.write(.warning, "a descriptor was passed with the name \"\(name)\", which can't be kept, ignoring")
            return
        }
        do throws(Errno) {
            let outcome = try store.keep(HeldDescriptor(descriptor), name: name)
            if outcome != .kept { log.write(.error, "the descriptor \(name) that was passed isn't kept: \(outcome)") }
        } catch {
            log.write(.error, "the descriptor \(name) that was passed isn't kept: \(error)")
        }
    }
}
