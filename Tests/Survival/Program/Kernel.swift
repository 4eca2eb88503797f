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

    /// Moves everybody who sleeps on one word to another one; `futex(2)`, FUTEX_REQUEUE.
    @unsafe
    static func requeue(from word: UnsafeMutableRawPointer, to other: UnsafeMutableRawPointer) throws(Finding) {
        typealias Call = @convention(c) (Int, UnsafeMutableRawPointer, Int, Int, Int, UnsafeMutableRawPointer) -> Int
        guard let symbol = unsafe dlsym(nil, "syscall") else { throw Finding("this C library has no syscall") }
        // FUTEX_REQUEUE is 3: it wakes none, and moves all.
        guard unsafe unsafeBitCast(symbol, to: Call.self)(futexNumber, word, 3, 0, Int(Int32.max), other) >= 0 else {
            throw Finding("FUTEX_REQUEUE: errno \(errno)")
        }
    }

    /// The letter of a process's state: "S" sleeps, "T" is stopped; nil: it's gone; `proc_pid_stat(5)`.
    static func state(of pid: pid_t) -> UInt8? {
        guard let text = contents(of: "/proc/\(pid)/stat"), let end = text.lastIndex(of: UInt8(ascii: ")")),
            text.count > end + 2
        else { return nil }
        return text[end + 2]
    }

    /// How often the threads of a process went to sleep; `proc_pid_status(5)`.
    static func switchCount(of pid: pid_t) throws(Finding) -> Int {
        let folder = "/proc/\(pid)/task"
        guard let stream = unsafe opendir(folder) else { throw Finding("\(folder): errno \(errno)") }
        defer { unsafe closedir(stream) }
        var sum = 0
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            guard name.first != ".", let text = contents(of: "\(folder)/\(name)/status", byteCount: 8192) else {
                continue
            }
            for line in String(decoding: text, as: UTF8.self).split(separator: "\n")
            where line.hasPrefix("voluntary_ctxt_switches:") {
                sum += line.split(separator: "\t").last.flatMap { Int($0) } ?? 0
            }
        }
        return sum
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
    private static func contents(of path: String, byteCount: Int = 1024) -> [UInt8]? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let text = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            count = max(0, unsafe read(file, buffer.baseAddress, buffer.count))
        }
        return text.isEmpty ? nil : text
    }
}
