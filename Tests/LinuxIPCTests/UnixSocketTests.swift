import Glibc
import LinuxIPC
import Testing

struct UnixSocketTests {
    // MARK: Messages

    @Test func messagesKeepTheirBordersAndBytes() throws {
        let pair = try UnixSocket.pair()
        try pair.first.send([1, 2, 3])
        try pair.first.send([4])
        var buffer = [UInt8](repeating: 9, count: 8)
        #expect(try pair.second.receive(into: &buffer).byteCount == 3)
        #expect(buffer == [1, 2, 3, 9, 9, 9, 9, 9])
        #expect(try pair.second.receive(into: &buffer).byteCount == 1)
        #expect(buffer[0] == 4)
    }

    @Test func messageThatFitsExactlyIsWhole() throws {
        let pair = try UnixSocket.pair()
        try pair.first.send([1, 2, 3, 4])
        var buffer = [UInt8](repeating: 0, count: 4)
        let message = try pair.second.receive(into: &buffer)
        #expect(message.byteCount == 4)
        let isTruncated = message.isTruncated
        #expect(!isTruncated)
    }

    @Test func messageLongerThanTheBufferIsFlagged() throws {
        let pair = try UnixSocket.pair()
        try pair.first.send([1, 2, 3, 4, 5])
        var buffer = [UInt8](repeating: 0, count: 4)
        let message = try pair.second.receive(into: &buffer)
        #expect(message.byteCount == 4)
        #expect(message.isTruncated == true)
        #expect(buffer == [1, 2, 3, 4])
    }

    @Test func endOfTheConnectionIsNoBytes() throws {
        let left = try UnixSocket.pair().second.descriptor.duplicated()
        var buffer = [UInt8](repeating: 0, count: 4)
        let byteCount = try UnixSocket(adopting: left).receive(into: &buffer).byteCount
        #expect(byteCount == 0)
    }

    @Test func sendingToNobodyIsAnErrorAndNoSignal() throws {
        let left = UnixSocket(adopting: try UnixSocket.pair().second.descriptor.duplicated())
        #expect(errno { () throws(Errno) in try left.send([1]) } == .brokenPipe)
    }

    @Test func emptyMessagesAndBuffersAreRefused() throws {
        let pair = try UnixSocket.pair()
        #expect(errno { () throws(Errno) in try pair.first.send([]) } == .invalidArgument)
        var nothing: [UInt8] = []
        #expect(errno { () throws(Errno) in _ = try pair.second.receive(into: &nothing) } == .invalidArgument)
    }

    @Test func receivingNothingEndsWhenTheTimePassesOrAtOnce() throws {
        let pair = try UnixSocket.pair()
        var buffer = [UInt8](repeating: 0, count: 4)
        try pair.first.setReceiveTimeout(milliseconds: 20)
        let start = SystemClock.monotonic()
        #expect(errno { () throws(Errno) in _ = try pair.first.receive(into: &buffer) } == .wouldBlock)
        #expect(SystemClock.monotonic() - start >= 10_000_000)
        try pair.second.setNonBlocking(true)
        #expect(errno { () throws(Errno) in _ = try pair.second.receive(into: &buffer) } == .wouldBlock)
        #expect(fcntl(pair.second.descriptor.rawValue, F_GETFL) & O_NONBLOCK != 0)
        try pair.second.setNonBlocking(false)
        #expect(fcntl(pair.second.descriptor.rawValue, F_GETFL) & O_NONBLOCK == 0)
    }

    // MARK: Paths

    @Test(arguments: [
        (String(repeating: "x", count: 108), Errno.fileNameTooLong), ("", .noSuchFileOrDirectory),
        ("a\0b", .invalidArgument), ("/nowhere/at/all", .noSuchFileOrDirectory),
    ])
    func impossiblePathsAreRefused(path: String, expected: Errno) {
        #expect(errno { () throws(Errno) in _ = try UnixSocket.connecting(to: path) } == expected)
        #expect(
            errno { () throws(Errno) in _ = try UnixSocket.listening(at: path, mode: 0o600, backlog: 1) } == expected)
    }

    @Test func longestPathWorks() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/" + String(repeating: "x", count: 107 - folder.path.utf8.count - 1)
        let listener = try UnixSocket.listening(at: path, mode: 0o600, backlog: 1)
        _ = try UnixSocket.connecting(to: path)
        _ = consume listener
    }

    // MARK: Listening

    @Test func listenerAcceptsAndHasItsMode() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let listener = try UnixSocket.listening(at: path, mode: 0o666, backlog: 4)
        var status = stat()
        try #require(unsafe lstat(path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o666)
        try listener.setNonBlocking(true)
        let early = try listener.accept()
        let isNobody = early == nil
        #expect(isNobody)
        let client = try UnixSocket.connecting(to: path)
        guard let accepted = try listener.accept() else { throw Errno.wouldBlock }
        let raw = accepted.descriptor.rawValue
        #expect(fcntl(raw, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(raw, F_GETFD) == FD_CLOEXEC)
        try client.send([5])
        var buffer = [UInt8](repeating: 0, count: 4)
        #expect(try accepted.receive(into: &buffer).byteCount == 1)
    }

    @Test func staleSocketIsReplaced() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        _ = try UnixSocket.listening(at: path, mode: 0o600, backlog: 4)
        #expect(unsafe access(path, F_OK) == 0)
        #expect(errno { () throws(Errno) in _ = try UnixSocket.connecting(to: path) } == .connectionRefused)
        let listener = try UnixSocket.listening(at: path, mode: 0o600, backlog: 4)
        _ = try UnixSocket.connecting(to: path)
        _ = consume listener
    }

    @Test func livingSocketIsRefusedAndKept() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let listener = try UnixSocket.listening(at: path, mode: 0o600, backlog: 0)
        for _ in 0..<4 {
            // The first tries fill the queue: a full one is a living one too.
            let error = errno { () throws(Errno) in
                _ = try UnixSocket.listening(at: path, mode: 0o600, backlog: 4)
            }
            #expect(error == .addressInUse)
        }
        while try acceptsOne(listener) {}
        _ = try UnixSocket.connecting(to: path, milliseconds: 60_000)
    }

    /// Takes a connection from a queue, if there is one.
    private func acceptsOne(_ listener: borrowing UnixSocket) throws -> Bool {
        try listener.setNonBlocking(true)
        let accepted = try listener.accept()
        return accepted != nil
    }

    @Test func otherFilesAtThePathAreKept() throws {
        let folder = try TemporaryFolder()
        let directory = try Directory.open(folder.path)
        try directory.createFile(bytes("file"), bytes("precious"))
        try directory.makeDirectory(bytes("folder"))
        try #require(unsafe symlink(folder.path + "/file", folder.path + "/link") == 0)
        for name in ["file", "folder", "link"] {
            let error = errno { () throws(Errno) in
                _ = try UnixSocket.listening(at: folder.path + "/" + name, mode: 0o600, backlog: 4)
            }
            #expect(error == .fileExists)
        }
        #expect(try directory.readFile(bytes("file")) == bytes("precious"))
    }

    @Test func livingSocketOfAnotherTypeIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/stream"
        let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(raw >= 0)
        let stream = FileDescriptor(owning: raw)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes(path)) }
        let isBound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(stream.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound && listen(stream.rawValue, 4) == 0)
        let error = errno { () throws(Errno) in _ = try UnixSocket.listening(at: path, mode: 0o600, backlog: 4) }
        #expect(error == .addressInUse)
    }

    // MARK: Identity

    @Test func identityOfThisProcessIsItsOwn() throws {
        let pair = try UnixSocket.pair()
        let identity = try pair.first.peerIdentity()
        #expect(identity.pid == getpid())
        #expect(identity.uid == geteuid())
        #expect(identity.gid == getegid())
    }

    /// More than 64 groups need a second question to the kernel.
    @Test(arguments: [0, 3, 64, 65, 300]) func identityOfAnotherUserIsTheKernels(groupCount: Int) throws {
        try #require(Peer.canChangeUser, "this test runs a process as uid 60002 and needs root, so run it as root")
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let listener = try UnixSocket.listening(at: path, mode: 0o666, backlog: 4)
        let peer = try Peer("client", path, "60002", "60012", String(groupCount))
        // accept(2) waits here, at most as long as a receive would.
        try listener.setReceiveTimeout(milliseconds: 60_000)
        guard let accepted = try listener.accept() else { throw Errno.wouldBlock }
        let identity = try accepted.peerIdentity()
        #expect(identity.pid == peer.pid)
        #expect(identity.uid == 60002)
        #expect(identity.gid == 60012)
        #expect(identity.groups.sorted() == (0..<UInt32(groupCount)).map { 70_000 + $0 })
    }

    @Test func deathOfThePeerMakesItsProcessReadable() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let listener = try UnixSocket.listening(at: path, mode: 0o666, backlog: 4)
        let peer = try Peer("client", path, String(geteuid()), String(getegid()), "0")
        try listener.setReceiveTimeout(milliseconds: 60_000)
        guard let accepted = try listener.accept() else { throw Errno.wouldBlock }
        let process = try accepted.peerProcess()
        var watched = pollfd(fd: process.rawValue, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&watched, 1, 0) == 0)
        kill(peer.pid, SIGKILL)
        #expect(unsafe poll(&watched, 1, 60_000) == 1)
    }
}
