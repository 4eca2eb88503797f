import Glibc
import LinuxIPC

/// Plays the other process in the tests of LinuxIPC; speaks over the socket that it inherits as descriptor 3.
@main
enum Program {
    static func main() {
        let socket = UnixSocket(adopting: FileDescriptor(owning: 3))
        do throws(Errno) {
            try socket.setReceiveTimeout(milliseconds: 60_000)
            switch CommandLine.arguments.dropFirst().first {
            case "owner": try own(socket)
            case "reader": try read(socket)
            case "client": try connect(socket)
            case "forker": try fork(socket)
            case "relay": try relay(socket)
            case "life": try live(socket)
            case "missing": try touchMissingPages(socket)
            default: throw .invalidArgument
            }
        } catch {
            // The test shows it; when the test is gone, nobody is left to tell.
            do throws(Errno) {
                try socket.send(Array("failed: \(error)".utf8))
            } catch {}
            exit(1)
        }
    }

    /// Makes a memory file as the uid in the first argument, sends it read-only, and keeps it.
    ///
    /// The second argument `default-mode` seeds a fault: the mode that the kernel gives a memory file is put back, which
    /// is 0777, and 0666 where it can't be executed.
    static func own(_ socket: borrowing UnixSocket) throws(Errno) {
        try become(uid: number(2), gid: number(2), groups: [])
        let file = try MemoryFile.create(label: "owned")
        try file.reserve(byteCount: 65536)
        let mapping = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: false)
        unsafe mapping.baseAddress.storeBytes(of: 42, as: UInt8.self)
        try file.seal()
        if CommandLine.arguments.contains("default-mode"), fchmod(file.descriptor.rawValue, 0o666) != 0 {
            throw Errno(rawValue: errno)
        }
        let readOnly = try file.reopenedReadOnly()
        try socket.send(Array("ready".utf8), with: readOnly.descriptor)
        try waitForEnd(of: socket)
    }

    /// Receives a read-only memory file as the uid in the first argument and reports each way to write that it found;
    /// the second argument is the pid of the file's owner.
    static func read(_ socket: borrowing UnixSocket) throws(Errno) {
        try become(uid: number(2), gid: number(2), groups: [])
        var buffer = [UInt8](repeating: 0, count: 64)
        var message = try socket.receive(into: &buffer)
        guard let descriptor = message.first.take() else { throw .badFileDescriptor }
        let attempts = try Attempts(on: MemoryFile(adopting: descriptor), ownedBy: Int32(number(3)))
        let ways = attempts.ways.isEmpty ? "nothing" : attempts.ways.joined(separator: ", ")
        try socket.send(Array("uid \(getuid()) reads \(attempts.firstByte), writes by \(ways)".utf8))
        try waitForEnd(of: socket)
    }

    /// Connects to the path in the first argument as uid, gid and with as many groups as the other arguments say.
    static func connect(_ socket: borrowing UnixSocket) throws(Errno) {
        try become(uid: number(3), gid: number(4), groups: (0..<number(5)).map { 70_000 + $0 })
        let client = try UnixSocket.connecting(to: CommandLine.arguments[2], milliseconds: 60_000)
        try client.send(Array("hello".utf8))
        try waitForEnd(of: socket)
    }

    /// Claims the life file that the test sends, or one that it makes, sends that read-only, and stays.
    static func live(_ socket: borrowing UnixSocket) throws(Errno) {
        var buffer = [UInt8](repeating: 0, count: 64)
        var message = try socket.receive(into: &buffer)
        let life: LifeFile
        if let descriptor = message.first.take() {
            life = try LifeFile(adopting: MemoryFile(adopting: descriptor))
        } else {
            life = try LifeFile.create()
        }
        // The seeded fault: a word that only this process writes.
        if !CommandLine.arguments.contains("unclaimed") { try life.claim() }
        try socket.send(Array("claimed".utf8), with: life.file.descriptor, and: life.readOnlyFile.descriptor)
        try waitForEnd(of: socket)
    }

    /// Touches pages of a memory file that was cut short under its mapping, guarded or not.
    static func touchMissingPages(_ socket: borrowing UnixSocket) throws(Errno) {
        let file = try MemoryFile.create(label: "missing")
        try file.reserve(byteCount: 1 << 20)
        if !CommandLine.arguments.contains("uncaught") { try GuardedMapping.catchMissingPages() }
        let guarded = try GuardedMapping(of: file, byteCount: 1 << 20)
        let other = try GuardedMapping(of: file, byteCount: 4096)
        let unguarded = try Mapping(of: file, byteCount: 1 << 20, access: .readWrite, isPrivateToProcess: true)
        unsafe guarded.mapping.baseAddress.storeBytes(of: 7, toByteOffset: 0, as: UInt8.self)
        guard ftruncate(file.descriptor.rawValue, 4096) == 0 else { throw Errno(rawValue: errno) }
        let kept = unsafe guarded.mapping.baseAddress.load(as: UInt8.self)
        var words = ["kept \(kept)", "damaged \(guarded.isDamaged)"]
        for offset in [4096, 40_000, (1 << 20) - 1] {
            let byte = unsafe guarded.mapping.baseAddress.load(fromByteOffset: offset, as: UInt8.self)
            unsafe guarded.mapping.baseAddress.storeBytes(of: 9, toByteOffset: offset, as: UInt8.self)
            let again = unsafe guarded.mapping.baseAddress.load(fromByteOffset: offset, as: UInt8.self)
            words.append("\(byte) \(again)")
        }
        words.append("damaged \(guarded.isDamaged) and \(other.isDamaged)")
        words.append("\(GuardedMapping.replacedPageCount) pages")
        try socket.send(Array(words.joined(separator: ", ").utf8))
        // Faults elsewhere do what they did.
        _ = unsafe unguarded.baseAddress.load(fromByteOffset: 8192, as: UInt8.self)
        try waitForEnd(of: socket)
    }

    /// Connects to the path in the first argument, sends there what the test sends, and gives the test what comes back.
    ///
    /// Descriptors are passed on, too. "close" ends the connection, "open" begins another one, and each is answered with itself.
    static func relay(_ socket: borrowing UnixSocket) throws(Errno) {
        var connection: UnixSocket? = try .connecting(to: CommandLine.arguments[2], milliseconds: 60_000)
        var buffer = [UInt8](repeating: 0, count: 4096)
        try socket.send(Array("ready".utf8))
        while true {
            let byteCount = try socket.receive(into: &buffer).byteCount
            if byteCount == 0 { return }
            let message = Array(buffer[..<byteCount])
            switch String(decoding: message, as: UTF8.self) {
            case "close":
                connection = nil
                try socket.send(message)
            case "open":
                connection = try .connecting(to: CommandLine.arguments[2], milliseconds: 60_000)
                try socket.send(message)
            default:
                try connection?.send(message)
                guard var received = try connection?.receive(into: &buffer) else { throw .notConnected }
                try pass(&received, buffer, to: socket)
            }
        }
    }

    /// Sends what was received; "hung up" if nothing was.
    private static func pass(
        _ received: inout Received, _ buffer: [UInt8], to socket: borrowing UnixSocket
    ) throws(Errno) {
        guard received.byteCount > 0 else { return try socket.send(Array("hung up".utf8)) }
        let reply = Array(buffer[..<received.byteCount])
        guard let first = received.first.take() else { return try socket.send(reply) }
        guard let second = received.second.take() else { return try socket.send(reply, with: first) }
        guard let third = received.third.take() else { return try socket.send(reply, with: first, and: second) }
        try socket.send(reply, with: first, and: second, and: third)
    }

    /// Takes the rights of an ordinary user for good, unless it's this one; `setuid(2)`.
    static func become(uid: UInt32, gid: UInt32, groups: [UInt32]) throws(Errno) {
        if uid == geteuid() { return }
        guard unsafe setgroups(groups.count, groups) == 0, setgid(gid) == 0, setuid(uid) == 0 else {
            throw Errno(rawValue: errno)
        }
    }

    /// Stays until the test closes its end.
    static func waitForEnd(of socket: borrowing UnixSocket) throws(Errno) {
        var buffer = [UInt8](repeating: 0, count: 64)
        while try socket.receive(into: &buffer).byteCount > 0 {}
    }

    /// Reads an argument that is a number.
    static func number(_ index: Int) throws(Errno) -> UInt32 {
        guard index < CommandLine.arguments.count, let number = UInt32(CommandLine.arguments[index]) else {
            throw .invalidArgument
        }
        return number
    }
}
