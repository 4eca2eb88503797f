internal import LinuxIPC
internal import SharedMemProtocol
internal import SharedMemStore

/// A read-only client by the protocol alone, which does to the words that others sleep on whatever it can.
final class RawReader {
    private let socket: UnixSocket
    private let data: Mapping
    private let own: Mapping

    /// Connects and attaches to a segment for reading.
    init(segment: String, socketPath: String) throws {
        guard let name = SegmentName(segment) else { throw Finding("'\(segment)' can't be a segment's name") }
        let socket = try UnixSocket.connecting(to: socketPath, milliseconds: 60_000)
        try socket.setReceiveTimeout(milliseconds: 60_000)
        let hello = Hello(
            majors: ProtocolLimits.majors, features: 0, program: ThisProcess.programName(),
            attach: Hello.Attach(segment: name, access: .readOnly))
        try socket.send(Request.hello(hello).encoded(requestID: 1))
        var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount)
        var received = try socket.receive(into: &buffer)
        let reply = try Reply.decode([UInt8](buffer[..<received.byteCount])).reply
        guard case .hello(_, let attachment) = reply, let attachment, let data = received.first.take() else {
            throw Finding("the daemon answered HELLO with \(reply)")
        }
        let file = MemoryFile(adopting: data)
        self.data = try Mapping(
            of: file, byteCount: Int(attachment.dataByteCount), access: .readOnly, isPrivateToProcess: true)
        let ownFile = try MemoryFile.create(label: "survival-own")
        try ownFile.reserve(byteCount: 64)
        own = try Mapping(of: ownFile, byteCount: 64, access: .readWrite, isPrivateToProcess: true)
        self.socket = socket
    }

    /// Moves everybody who sleeps on a notify word to a word that nobody else has; `futex(2)`, FUTEX_REQUEUE.
    func takeAwaySleepers(of index: Int) throws(Finding) {
        try unsafe Kernel.requeue(
            from: data.baseAddress + NotifyWords.offset(of: index), to: own.baseAddress)
    }

    /// Moves everybody who sleeps on a notify word to another one.
    func moveSleepers(of index: Int, to other: Int) throws(Finding) {
        try unsafe Kernel.requeue(
            from: data.baseAddress + NotifyWords.offset(of: index),
            to: data.baseAddress + NotifyWords.offset(of: other))
    }

    /// Wakes one who sleeps on a notify word.
    func wakeSleeper(of index: Int) { data.wake(at: NotifyWords.offset(of: index), count: 1) }

    /// Sleeps on a notify word, so that a wake-up that is meant for another one comes here.
    func sleep(on index: Int, nanoseconds: UInt64) {
        let offset = NotifyWords.offset(of: index)
        let value = unsafe SharedBytes(data.baseAddress, byteCount: data.byteCount).load32(offset)
        _ = data.wait(at: offset, while: value, nanoseconds: nanoseconds)
    }
}
