internal import LinuxIPC
internal import SharedMemBroker
internal import SharedMemProtocol

/// One connection.
final class Peer {
    /// Its number.
    let id: PeerID
    /// Who is at the other end.
    let identity: PeerIdentity
    /// Its socket, non-blocking.
    private let socket: UnixSocket
    /// Its process.
    let process: ProcessIdentity
    /// The loop's interest; goes before the socket is closed.
    private var source: EventLoop.Source?

    /// Takes a connection that was just accepted, of a known process, and watches it.
    init(
        id: PeerID, accepted socket: consuming UnixSocket, _ credentials: PeerCredentials, _ process: ProcessIdentity,
        loop: borrowing EventLoop
    ) throws(Errno) {
        identity = PeerIdentity(
            pid: credentials.pid, uid: credentials.uid, gid: credentials.gid, groups: credentials.groups)
        source = try loop.watch(socket.descriptor, as: .peer(id))
        self.id = id
        self.process = process
        self.socket = socket
    }

    deinit { source = nil }

    /// What a look at the socket brought.
    enum Input {
        /// A request.
        case request(RequestFrame)
        /// Nothing more for now.
        case nothing
        /// The other end has closed.
        case hangUp
        /// What no honest client does; the end of a sentence that begins with who it is.
        case offence(String)
    }

    /// Reads one message.
    ///
    /// `buffer` must be one byte longer than the longest frame; `isHungUp` tells the end of the
    /// connection from an empty message, which reads the same.
    func receive(into buffer: inout [UInt8], isHungUp: Bool) -> Input {
        do throws(Errno) {
            let received = try socket.receive(into: &buffer)
            if received.descriptorCount > 0 || received.isControlTruncated { return .offence("sent descriptors") }
            if received.byteCount == 0 { return isHungUp ? .hangUp : .offence("sent an empty message") }
            if received.isTruncated || received.byteCount > Frame.maximumByteCount {
                return .offence("sent a message of more than \(Frame.maximumByteCount) bytes")
            }
            return Self.decode(Array(buffer[..<received.byteCount]))
        } catch {
            switch error {
            case .wouldBlock: return .nothing
            case .connectionReset, .brokenPipe: return .hangUp
            default: return .offence("can't be read: \(error)")
            }
        }
    }

    /// Reads a request.
    private static func decode(_ frame: [UInt8]) -> Input {
        do throws(DecodingFailure) {
            return .request(try Request.decode(frame))
        } catch {
            return .offence("sent a message that isn't one: \(error)")
        }
    }

    /// Sends a reply.
    func send(_ reply: Reply, requestID: UInt32) throws(Errno) {
        try socket.send(reply.encoded(requestID: requestID))
    }

    /// Sends a reply with a segment's descriptors: for readers the data file alone, and read-only.
    func send(_ reply: Reply, requestID: UInt32, memory: SegmentMemory, access: Access) throws(Errno) {
        let frame = reply.encoded(requestID: requestID)
        switch access {
        case .readOnly: try socket.send(frame, with: memory.readOnlyData.descriptor)
        case .readWrite: try socket.send(frame, with: memory.data.descriptor, and: memory.lock.descriptor)
        }
    }

    /// Answers a greeting, with the life file.
    func greet(_ reply: Reply, requestID: UInt32, life: borrowing LifeFile?) throws(Errno) {
        switch life {
        case .some(let life):
            try socket.send(reply.encoded(requestID: requestID), with: life.readOnlyFile.descriptor)
        case .none: throw .badFileDescriptor
        }
    }

    /// Answers a greeting, with a segment's descriptors and the life file behind them.
    func greet(
        _ reply: Reply, requestID: UInt32, memory: SegmentMemory, access: Access, life: borrowing LifeFile?
    ) throws(Errno) {
        let frame = reply.encoded(requestID: requestID)
        switch life {
        case .none: throw .badFileDescriptor
        case .some(let life):
            switch access {
            case .readOnly:
                try socket.send(frame, with: memory.readOnlyData.descriptor, and: life.readOnlyFile.descriptor)
            case .readWrite:
                try socket.send(
                    frame, with: memory.data.descriptor, and: memory.lock.descriptor,
                    and: life.readOnlyFile.descriptor)
            }
        }
    }
}
