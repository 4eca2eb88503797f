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
}
