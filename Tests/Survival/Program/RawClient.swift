internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// A client by the protocol and the memory format alone, without what the library does for its callers: it never looks
/// after the daemon, and does to its mappings and its connection whatever a test wants.
final class RawClient {
    private var socket: UnixSocket?
    private var requestID: UInt32 = 1
    private let data: Mapping
    private let lock: Mapping
    /// What it puts into lock words.
    let sessionID: UInt32
    /// What it's attached to.
    let attachment: Attachment

    /// Connects and attaches to a segment for writing.
    init(segment: String, socketPath: String) throws {
        guard let name = SegmentName(segment) else { throw Finding("'\(segment)' can't be a segment's name") }
        let socket = try UnixSocket.connecting(to: socketPath, milliseconds: 60_000)
        try socket.setReceiveTimeout(milliseconds: 60_000)
        let hello = Hello(
            majors: ProtocolLimits.majors, features: 0, program: ThisProcess.programName(),
            attach: Hello.Attach(segment: name, access: .readWrite))
        try socket.send(Request.hello(hello).encoded(requestID: requestID))
        var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount)
        var received = try socket.receive(into: &buffer)
        let reply = try Reply.decode([UInt8](buffer[..<received.byteCount])).reply
        guard case .hello(let welcome, let attachment) = reply, let attachment,
            let data = received.first.take(), let lock = received.second.take()
        else { throw Finding("the daemon answered HELLO with \(reply)") }
        let dataFile = MemoryFile(adopting: data)
        let lockFile = MemoryFile(adopting: lock)
        self.data = try Mapping(
            of: dataFile, byteCount: Int(attachment.dataByteCount), access: .readWrite, isPrivateToProcess: true)
        self.lock = try Mapping(
            of: lockFile, byteCount: Int(attachment.lockByteCount), access: .readWrite, isPrivateToProcess: true)
        sessionID = welcome.session
        self.attachment = attachment
        self.socket = consume socket
    }

    /// Its memory, which lives as long as the client; as another session if one is named.
    func store(as session: UInt32? = nil) throws(StoreError) -> Store {
        try Store(
            data: unsafe SharedBytes(data.baseAddress, byteCount: data.byteCount),
            lock: unsafe SharedBytes(lock.baseAddress, byteCount: lock.byteCount), session: session ?? sessionID)
    }

    /// Gives the attachment back; the mappings stay.
    func detach() throws {
        requestID += 1
        var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount)
        guard try exchange(.detach(segmentID: attachment.segmentID), &buffer) == .detached else {
            throw Finding("the daemon refused to detach")
        }
    }

    private func exchange(_ request: Request, _ buffer: inout [UInt8]) throws -> Reply {
        switch socket {
        case .some(let socket):
            try socket.send(request.encoded(requestID: requestID))
            let received = try socket.receive(into: &buffer)
            return try Reply.decode([UInt8](buffer[..<received.byteCount])).reply
        case .none: throw Finding("the socket is closed")
        }
    }

    /// Closes the connection; the mappings stay.
    func closeSocket() { socket = nil }

    /// Puts the id of another session into the lock word, which must be its own.
    func forgeLock(_ session: UInt32) throws(Finding) {
        let bytes = unsafe SharedBytes(lock.baseAddress, byteCount: lock.byteCount)
        for found in [sessionID, sessionID | Store.waitersBit] {
            let desired = found & Store.waitersBit | session
            if bytes.exchangeAcquiring32(expected: found, desired: desired, Store.lockWordOffset) == found { return }
        }
        throw Finding("the lock word isn't the forger's")
    }

    /// Wakes everybody who sleeps on the lock word.
    func wakeLockWaiters() { lock.wake(at: Store.lockWordOffset, count: .max) }

    /// Wakes everybody who watches anything, and says that it may have changed.
    func notifyEverything() throws(StoreError) {
        try store().notify(everything: true).forEach { data.wake(at: NotifyWords.offset(of: $0), count: .max) }
    }

    /// Sleeps on the lock word while it is `word`, at most so many nanoseconds.
    func waitForLock(while word: UInt32, nanoseconds: UInt64) {
        _ = lock.wait(at: Store.lockWordOffset, while: word, nanoseconds: nanoseconds)
    }
}

extension RawClient {
    /// Takes the lock word, as soon as it is free; gives up after a minute.
    func takeLock(_ store: Store) throws(Finding) {
        let start = SystemClock.monotonic()
        while store.tryLock(at: SystemClock.realtimeCoarse(), afterWaiting: true) != 0 {
            guard SystemClock.monotonic() - start < 60_000_000_000 else {
                throw Finding("session \(Store.owner(of: store.lockWord)) has the lock word for a minute")
            }
            let word = store.lockWord
            if word != 0, store.announceWaiter(seeing: word) {
                waitForLock(while: word | Store.waitersBit, nanoseconds: 10_000_000)
            }
        }
    }

    /// Gives the lock word back; whether it was still its own.
    func releaseLock(_ store: Store) -> Bool {
        let unlocked = store.unlock()
        if unlocked == .withWaiters { wakeLockWaiters() }
        return unlocked != .lost
    }

    /// Sets a key to a payload `times` times, with the lock word taken.
    func set(_ tag: UInt64, to number: UInt64, byteCount: Int, times: Int = 1, in store: Store) throws(StoreError) {
        let key = Array(Payload.name(tag).utf8)
        let value = Payload.make(tag: tag, number: number, byteCount: byteCount)
        try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            try unsafe value.span.bytes.withUnsafeBytes { (value) throws(StoreError) in
                for _ in 0..<times { _ = try unsafe store.set(key, to: value, at: SystemClock.realtimeCoarse()) }
            }
        }
    }
}
