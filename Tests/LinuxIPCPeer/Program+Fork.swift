import Glibc
import LinuxIPC

extension Program {
    /// Forks and reports what the child met at a shared mapping, at a private one, and at the fork counter, and which
    /// descriptors it had.
    static func fork(_ socket: borrowing UnixSocket) throws(Errno) {
        var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore) == 0 else {
            throw Errno(rawValue: errno)
        }
        let file = try MemoryFile.create(label: "forked")
        try file.reserve(byteCount: 65536)
        let shared = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: false)
        let hidden = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: true)
        let before = ForkCounter.current

        let atShared = try child { unsafe shared.baseAddress.storeBytes(of: 1, as: UInt8.self) }
        let atHidden = try child { unsafe hidden.baseAddress.storeBytes(of: 1, as: UInt8.self) }
        let counted = try child { _exit(Int32(ForkCounter.current &- before)) }
        let here = ForkCounter.current &- before
        // More than one chunk of the table that a child walks, and one in its midst that is given up before.
        var closed = try (0..<150).map { (_) throws(Errno) in try ClosedInChildren(of: file.descriptor) }
        closed.remove(at: 70)
        let kept = try file.descriptor.duplicated()
        let numbers = closed.map { $0.descriptor.rawValue } + [kept.rawValue]
        let inChild = try child { _exit(Int32(numbers.count { fcntl($0, F_GETFD) >= 0 })) }
        let openHere = numbers.count { fcntl($0, F_GETFD) >= 0 }
        closed = []
        let afterwards = try child { _exit(fcntl(kept.rawValue, F_GETFD) >= 0 ? 1 : 0) }
        try socket.send(
            Array(
                """
                shared: \(atShared); private: \(atHidden); counter: \(counted) in the child, \(here) here; \
                descriptors: \(inChild), then \(afterwards) in the child, \(openHere) here
                """.utf8))
        try waitForEnd(of: socket)
    }

    /// A descriptor that an array can hold and no child keeps.
    private final class ClosedInChildren {
        let descriptor: FileDescriptor

        init(of other: borrowing FileDescriptor) throws(Errno) {
            var copy = try other.duplicated()
            try copy.closeInChildren()
            descriptor = copy
        }
    }

    /// Runs `body` in a child of this process, which has one thread, and says how the child ended.
    private static func child(_ body: () -> Void) throws(Errno) -> String {
        // Swift's Glibc module doesn't offer fork(2), which is unsafe with more threads than one.
        typealias Fork = @convention(c) () -> pid_t
        guard let symbol = unsafe dlsym(nil, "fork") else { throw .noSuchFileOrDirectory }
        let pid = unsafe unsafeBitCast(symbol, to: Fork.self)()
        if pid < 0 { throw Errno(rawValue: errno) }
        if pid == 0 {
            signal(SIGSEGV, SIG_DFL)
            body()
            _exit(0)
        }
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, 0) == pid else { throw Errno(rawValue: errno) }
        let signal = status & 0x7F
        return signal == 0 ? "exit \(status >> 8 & 0xFF)" : "signal \(signal)"
    }
}
