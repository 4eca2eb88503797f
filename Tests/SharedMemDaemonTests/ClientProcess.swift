import Foundation
import LinuxIPC
import SharedMemProtocol
import SharedMemStore
import Testing

/// A client that is a process of its own, and does what the test tells it; it dies with this value.
final class ClientProcess {
    /// The process.
    let process: ChildProcess
    private let socket: UnixSocket
    private var isDead = false
    private var lastRequestID: UInt32 = 0

    /// Starts a process that connects to `path`.
    init(path: String) throws {
        let pair = try UnixSocket.pair()
        socket = try UnixSocket(adopting: pair.first.descriptor.duplicated())
        try socket.setReceiveTimeout(milliseconds: 60_000)
        let program = URL(filePath: try RunningDaemon.program).deletingLastPathComponent().appending(
            path: "linuxipc-peer"
        ).path
        process = try ProgramImage(
            path: program, arguments: ["linuxipc-peer", "relay", path], environment: [], processVariables: [],
            descriptors: [HeldDescriptor(try pair.second.descriptor.duplicated())]
        ).start(deathSignal: 0)
        #expect(try exchange(nil).bytes == Array("ready".utf8))
    }

    deinit {
        do {
            try kill()
        } catch {
            Issue.record("the client can't be ended: \(error)")
        }
    }

    /// Ends the process as it is.
    func kill() throws {
        if isDead { return }
        isDead = true
        try process.send(SIGKILL)
        try process.reap()
    }

    /// Ends its connection; the process lives on.
    func hangUp() throws {
        #expect(try exchange(Array("close".utf8)).bytes == Array("close".utf8))
    }

    /// Connects again.
    func connect() throws {
        #expect(try exchange(Array("open".utf8)).bytes == Array("open".utf8))
    }

    /// What came back, files included.
    struct Answer: ~Copyable {
        let bytes: [UInt8]
        var received: Received
    }

    /// Has it send a frame, and returns what it gets.
    private func exchange(_ frame: [UInt8]?) throws -> Answer {
        if let frame { try socket.send(frame) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let received = try socket.receive(into: &buffer)
        return Answer(bytes: Array(buffer[..<received.byteCount]), received: received)
    }

    /// Has it send a request, and returns the reply.
    @discardableResult
    func ask(_ request: Request, requestID: UInt32? = nil) throws -> Reply {
        lastRequestID += 1
        return try Reply.decode(try exchange(request.encoded(requestID: requestID ?? lastRequestID)).bytes).reply
    }

    /// Has it send a request, and kills it without waiting for anything.
    func dieAsking(_ request: Request) {
        do {
            lastRequestID += 1
            try socket.send(request.encoded(requestID: lastRequestID))
            try kill()
        } catch {
            Issue.record("the client can't be ended: \(error)")
        }
    }

    /// Begins a session.
    func greet() throws -> Welcome {
        guard
            case .hello(let welcome, _) = try ask(
                .hello(Hello(majors: 1...1, features: 0, program: Array("peer".utf8), attach: nil)))
        else { throw Unexpected(what: "no session begins") }
        return welcome
    }

    /// Takes a session up again.
    func reconnect(_ welcome: Welcome) throws -> Reply {
        try ask(
            .reconnect(
                Reconnect(majors: 1...1, features: 0, session: welcome.session, token: welcome.token)))
    }

    /// Attaches for writing, and maps what comes.
    func attach(_ name: String, as session: UInt32) throws -> AttachedFiles {
        lastRequestID += 1
        let frame = Request.attach(try Sample.name(name), .readWrite).encoded(requestID: lastRequestID)
        var answer = try exchange(frame)
        let reply = try Reply.decode(answer.bytes).reply
        guard case .attached(let attachment) = reply, let data = answer.received.first.take(),
            let lock = answer.received.second.take()
        else { throw Unexpected(what: "\(name) isn't attached: \(reply)") }
        return try AttachedFiles(attachment, data, lock, session: session)
    }
}

/// A generation, mapped.
final class AttachedFiles {
    let attachment: SharedMemProtocol.Attachment
    let data: Mapping
    let lock: Mapping
    let dataFile: MemoryFile
    private let store: Store

    init(
        _ attachment: SharedMemProtocol.Attachment, _ data: consuming FileDescriptor, _ lock: consuming FileDescriptor,
        session: UInt32
    ) throws {
        self.attachment = attachment
        dataFile = MemoryFile(adopting: data)
        let lockFile = MemoryFile(adopting: lock)
        self.data = try Mapping(
            of: dataFile, byteCount: Int(attachment.dataByteCount), access: .readWrite, isPrivateToProcess: false)
        self.lock = try Mapping(
            of: lockFile, byteCount: Int(attachment.lockByteCount), access: .readWrite, isPrivateToProcess: false)
        store = try unsafe Store(
            data: SharedBytes(self.data.baseAddress, byteCount: self.data.byteCount),
            lock: SharedBytes(self.lock.baseAddress, byteCount: self.lock.byteCount), session: session)
    }
}

extension AttachedFiles {
    /// Runs `body` with the store, whose memory stays mapped meanwhile.
    func withStore<Result>(_ body: (Store) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(self) { try body(store) }
    }

    /// Sets a key, as one who finds the lock word free.
    @discardableResult
    func put(_ key: String, _ value: String) throws -> UInt64 {
        try withStore { store in
            try #require(store.tryLock(at: 1) == 0, "the lock isn't free")
            let version = try publish(key, value)
            #expect(store.unlock() != .lost)
            return version
        }
    }

    /// Sets a key, as the owner of the lock word.
    @discardableResult
    func publish(_ key: String, _ value: String) throws -> UInt64 {
        try withStore { store in
            try unsafe Array(key.utf8).withUnsafeBytes { key in
                try unsafe Array(value.utf8).withUnsafeBytes { value in try unsafe store.set(key, to: value, at: 1) }
            }
        }
    }

    /// The value of a key; nil: there is no such key.
    func text(_ key: String) throws -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let info = try withStore { store in
            try unsafe Array(key.utf8).withUnsafeBytes { key in
                try unsafe buffer.withUnsafeMutableBytes { buffer in try unsafe store.get(key, into: buffer) }
            }
        }
        return info.map { String(decoding: buffer[..<$0.byteCount], as: UTF8.self) }
    }

    /// Stores into the lock word what no client of this library would.
    func setLockWord(_ word: UInt32) {
        withExtendedLifetime(self) {
            unsafe lock.baseAddress.storeBytes(of: word, toByteOffset: Store.lockWordOffset, as: UInt32.self)
        }
    }

    /// Stores into the state what a daemon would.
    func setState(live: Bool) {
        withExtendedLifetime(self) {
            unsafe data.baseAddress.storeBytes(of: live ? 1 : 2, toByteOffset: 256, as: UInt32.self)
        }
    }

    /// Bytes of memory that the data file takes.
    var takenByteCount: Int {
        get throws {
            var status = stat()
            try #require(unsafe fstat(dataFile.descriptor.rawValue, &status) == 0)
            return Int(status.st_blocks) * 512
        }
    }

    /// The lock word.
    var lockWord: UInt32 { withStore { $0.lockWord } }
}
