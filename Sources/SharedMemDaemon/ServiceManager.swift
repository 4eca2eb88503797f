internal import CSystemd
internal import Glibc
internal import LinuxIPC
internal import SharedMemProtocol

/// Speaks with the service manager, where there is one, or with the daemon's own keeper, which speaks the same words:
/// `sd_notify(3)`, `sd_listen_fds_with_names(3)`.
///
/// What is stored with it outlives this process: it's passed to the next one, under its name.
struct ServiceManager {
    /// How many descriptors it keeps, from FDSTORE in the environment; 0: none, nothing outlives this process.
    let storeLimit: Int
    /// The names of what it keeps.
    private(set) var stored: Set<String> = []

    /// Reads the environment; FDSTORE that isn't a number is a sentence in `problems`.
    init(problems: inout [String]) {
        guard let text = ThisProcess.environmentValue(of: "FDSTORE"), !text.isEmpty else {
            storeLimit = 0
            return
        }
        storeLimit = Int(text).map { max(0, $0) } ?? 0
        if Int(text) == nil {
            problems.append("FDSTORE is \(text.quoted) in the environment; expected how many descriptors are kept")
        }
    }

    /// Who keeps what is stored: the keeper says that it's there.
    var keptBy: Statistics.KeptBy {
        if storeLimit == 0 { return .nobody }
        return ThisProcess.environmentValue(of: "SHAREDMEMD_KEEPER") == nil ? .systemd : .keeper
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

    /// Sends one notification with a descriptor, which the caller keeps too: `sd_pid_notify_with_fds(3)`.
    private func notify(_ state: String, with descriptor: borrowing FileDescriptor) throws(Errno) {
        var raw = descriptor.rawValue
        try unsafe Errno.check(sd_pid_notify_with_fds(0, 0, state, &raw, 1))
    }
}

// MARK: - What outlives this process

extension ServiceManager {
    /// What the service manager passes at the start: the listening socket, and what was stored.
    struct Passed: ~Copyable {
        /// Where clients connect; nil: it passes no such socket.
        var socket: UnixSocket?
        /// The rest, in the order in which it was passed.
        var stored: [Slot] = []
    }

    /// A place for one descriptor, taken once.
    final class Slot {
        /// What it's called.
        let name: String
        /// The descriptor; nil: it was taken.
        private var descriptor: FileDescriptor?

        init(name: String, _ descriptor: consuming FileDescriptor) {
            self.name = name
            self.descriptor = consume descriptor
        }

        /// Gives the descriptor to the caller.
        func take() -> FileDescriptor? { descriptor.take() }
    }

    /// Takes what the service manager passes; to be asked once.
    mutating func takeDescriptors() throws(DaemonError) -> Passed {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count >= 0 else {
            throw DaemonError(
                .system, "the service manager's descriptors can't be taken: \(Errno(rawValue: -count))")
        }
        var passed = Passed()
        for index in 0..<count {
            let raw = SD_LISTEN_FDS_START + index
            let descriptor = FileDescriptor(owning: raw)
            var name = "unknown"
            if let text = unsafe names?[Int(index)] {
                name = unsafe String(cString: text)
                unsafe free(text)
            }
            // Whatever it's called: older units don't name it.
            if passed.socket == nil, sd_is_socket_unix(raw, CInt(SOCK_SEQPACKET.rawValue), 1, nil, 0) > 0 {
                passed.socket = UnixSocket(adopting: descriptor)
            } else {
                stored.insert(name)
                passed.stored.append(Slot(name: name, descriptor))
            }
        }
        unsafe free(names)
        return passed
    }

    /// Whether `count` more descriptors can be kept, or none are kept at all.
    func hasRoom(for count: Int) -> Bool { storeLimit == 0 || stored.count + count <= storeLimit }

    /// Has a descriptor kept under a name of at most 16 bytes.
    ///
    /// All names go to the next process in one variable of its environment, whose length has a limit.
    mutating func store(_ descriptor: borrowing FileDescriptor, as name: String) throws(Errno) {
        guard storeLimit > 0 else { return }
        try notify("FDSTORE=1\nFDNAME=\(name)", with: descriptor)
        stored.insert(name)
    }

    /// Has what is kept under a name closed.
    mutating func removeStored(_ name: String) throws(Errno) {
        guard storeLimit > 0, stored.contains(name) else { return }
        try notify("FDSTOREREMOVE=1\nFDNAME=\(name)")
        stored.remove(name)
    }

    /// Asks to be told when all that was sent so far is done: the descriptor then hangs up; nil: nobody keeps anything.
    func barrier() throws(Errno) -> FileDescriptor? {
        guard storeLimit > 0 else { return nil }
        let pipe = try Pipe.make()
        try notify("BARRIER=1", with: pipe.writeEnd)
        return pipe.takeReadEnd()
    }
}
