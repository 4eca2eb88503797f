internal import Glibc
internal import LinuxIPC

/// System calls of tests that Swift's Glibc module doesn't offer.
enum Kernel {
    /// Opens a process, to be told of its death; `pidfd_open(2)`.
    static func openProcess(_ pid: pid_t) throws(Finding) -> FileDescriptor {
        typealias Call = @convention(c) (pid_t, UInt32) -> Int32
        guard let symbol = unsafe dlsym(nil, "pidfd_open") else { throw Finding("this C library has no pidfd_open") }
        let raw = unsafe unsafeBitCast(symbol, to: Call.self)(pid, 0)
        guard raw >= 0 else { throw Finding("pidfd_open(\(pid)): errno \(errno)") }
        return FileDescriptor(owning: raw)
    }

    /// Waits until a process is dead and says when that was seen, on the monotonic clock; `poll(2)`.
    static func waitForDeath(_ process: borrowing FileDescriptor) throws(Finding) -> UInt64 {
        var entry = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, 60_000)
            if count == 1 { return SystemClock.monotonic() }
            guard count < 0, errno == EINTR else { throw Finding("a killed process isn't dead after a minute") }
        }
    }

    /// Makes the next fork of this process the first of a pid namespace of its own; `unshare(2)`.
    static func leavePIDNamespace() throws(Finding) {
        typealias Call = @convention(c) (Int32) -> Int32
        guard let symbol = unsafe dlsym(nil, "unshare") else { throw Finding("this C library has no unshare") }
        // CLONE_NEWPID, which the module doesn't have either.
        guard unsafe unsafeBitCast(symbol, to: Call.self)(0x2000_0000) == 0 else {
            throw Finding("unshare: errno \(errno)")
        }
    }

    /// The letter of a process's state: "S" sleeps, "T" is stopped; nil: it's gone; `proc_pid_stat(5)`.
    static func state(of pid: pid_t) -> UInt8? {
        guard let text = contents(of: "/proc/\(pid)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")),
            text.count > end + 2
        else { return nil }
        return text[end + 2]
    }

    /// Whether the first thread of a process sleeps on one word or on several; `proc_pid_syscall(5)`.
    static func sleepsInFutex(_ pid: pid_t) -> Bool {
        // Blocked in a system call: its number comes first. It's the same on each machine for the newer of the two.
        guard let text = contents(of: "/proc/\(pid)/syscall") else { return false }
        let number = String(decoding: text.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
        return number == "\(futexNumber)" || number == "449"
    }

    /// The number of `futex(2)`.
    private static var futexNumber: Int {
        #if arch(x86_64)
            202
        #else
            98
        #endif
    }

    /// The first bytes of a file; nil: it can't be read.
    private static func contents(of path: String) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
            count = max(0, unsafe read(file, buffer.baseAddress, buffer.count))
        }
        return text.isEmpty ? nil : text
    }
}
