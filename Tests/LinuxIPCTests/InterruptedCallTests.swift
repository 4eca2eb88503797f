import Glibc
import LinuxIPC
import TestSupport
import Testing

/// Calls with a time-out on a thread to which signals come faster than that.
struct InterruptedCallTests {
    /// Longer than the time between two signals, far shorter than that of all of them.
    private static var limitMilliseconds: Int { 300 }

    /// What `body`, which waits for `limitMilliseconds`, throws on a thread that signals come to.
    private func outcome(_ body: () throws(Errno) -> Void) throws -> Errno? {
        let signals = try RepeatedSignals()
        let start = SystemClock.monotonic()
        let error = errno(of: body)
        let waited = SystemClock.monotonic() - start
        let (count, isEarlier) = (signals.sentCount, signals.stop())
        #expect(isEarlier, "the call goes on as long as signals come")
        #expect(count > 1)
        // The kernel counts in ticks of 10 ms at most.
        #expect(waited >= UInt64(Self.limitMilliseconds - 10) * 1_000_000)
        return error
    }

    /// A socket's time-out, as the kernel has it.
    private func timeout(_ option: Int32, of socket: borrowing UnixSocket) -> Int {
        var limit = timeval()
        var length = socklen_t(MemoryLayout<timeval>.size)
        guard unsafe getsockopt(socket.descriptor.rawValue, SOL_SOCKET, option, &limit, &length) == 0 else { return -1 }
        return limit.tv_sec * 1_000_000 + Int(limit.tv_usec)
    }

    /// What the tests here are for: the kernel doesn't go on by itself with a call that has a time-out.
    @Test func signalsInterruptACall() throws {
        let pair = try connectedPair()
        let signals = try RepeatedSignals()
        var byte: UInt8 = 0
        let count = unsafe recv(pair.first.descriptor.rawValue, &byte, 1, 0)
        let error = Glibc.errno
        #expect(signals.stop())
        #expect(count == -1 && error == EINTR)
    }

    @Test func receivingEndsInTime() throws {
        let pair = try connectedPair()
        try pair.first.setReceiveTimeout(milliseconds: Self.limitMilliseconds)
        let before = timeout(SO_RCVTIMEO, of: pair.first)
        var buffer = [UInt8](repeating: 0, count: 4)
        for _ in 0..<2 {
            #expect(try outcome { () throws(Errno) in _ = try pair.first.receive(into: &buffer) } == .wouldBlock)
            #expect(timeout(SO_RCVTIMEO, of: pair.first) == before)
        }
        try pair.second.send([7])
        #expect(try pair.first.receive(into: &buffer).byteCount == 1)
    }

    @Test func messageThatComesBetweenSignalsIsReceived() throws {
        let pair = try connectedPair()
        let before = timeout(SO_RCVTIMEO, of: pair.first)
        let second = try pair.second.descriptor.duplicated()
        let signals = try RepeatedSignals()
        let sender = SecondThread {
            while signals.sentCount < 10 { usleep(1000) }
            let file = try MemoryFile.create(label: "interrupted")
            try UnixSocket(adopting: second.duplicated()).send([1, 2, 3], with: file.descriptor)
        }
        var buffer = [UInt8](repeating: 0, count: 4)
        let received = try pair.first.receive(into: &buffer)
        #expect(signals.stop())
        try sender.join()
        #expect(received.byteCount == 3 && received.descriptorCount == 1 && buffer == [1, 2, 3, 0])
        #expect(timeout(SO_RCVTIMEO, of: pair.first) == before)
    }

    /// A socket that doesn't wait until it's told to, whose sends are limited.
    private func client(at path: String, isAtOnce: Bool) throws(Errno) -> UnixSocket {
        if isAtOnce { return try .connectingAtOnce(to: path, milliseconds: Self.limitMilliseconds) }
        let client = try UnixSocket.connecting(to: path, milliseconds: Self.limitMilliseconds)
        try client.setNonBlocking(true)
        return client
    }

    @Test(arguments: [false, true]) func sendingEndsInTime(isAtOnce: Bool) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let listener = try UnixSocket.listening(at: path, mode: 0o600, backlog: 4)
        let client = try client(at: path, isAtOnce: isAtOnce)
        let full = errno { () throws(Errno) in
            while true { try client.send([UInt8](repeating: 1, count: 4096)) }
        }
        #expect(full == .wouldBlock)
        try client.setNonBlocking(false)
        let before = timeout(SO_SNDTIMEO, of: client)
        #expect(before > 0)
        let error = try outcome { () throws(Errno) in try client.send([UInt8](repeating: 1, count: 4096)) }
        #expect(error == .wouldBlock)
        #expect(timeout(SO_SNDTIMEO, of: client) == before)
        _ = consume listener
    }

    @Test func connectingEndsInTime() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        let listener = try UnixSocket.listening(at: path, mode: 0o600, backlog: 0)
        let first = try UnixSocket.connectingAtOnce(to: path)
        let error = try outcome { () throws(Errno) in
            _ = try UnixSocket.connecting(to: path, milliseconds: Self.limitMilliseconds)
        }
        #expect(error == .wouldBlock)
        _ = consume first
        _ = consume listener
    }

    @Test func acceptingEndsInTime() throws {
        let folder = try TemporaryFolder()
        let listener = try UnixSocket.listening(at: folder.path + "/socket", mode: 0o600, backlog: 4)
        try listener.setReceiveTimeout(milliseconds: Self.limitMilliseconds)
        let error = try outcome { () throws(Errno) in
            let accepted = try listener.accept()
            if accepted == nil { throw .wouldBlock }
        }
        #expect(error == .wouldBlock)
    }

    @Test func sleepOnWordsEndsInTime() throws {
        let word = PrivateWord()
        let error = try outcome { () throws(Errno) in
            let deadline = SystemClock.monotonic() + UInt64(Self.limitMilliseconds) * 1_000_000
            while SystemClock.monotonic() < deadline {
                var words = FutexWords(capacity: 1)
                words.append(word, while: 0)
                if words.wait(until: deadline) == .failed { throw .invalidArgument }
            }
        }
        #expect(error == nil)
    }
}
