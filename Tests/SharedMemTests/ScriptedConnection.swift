import Foundation
import LinuxIPC
import SharedMemProtocol
import Synchronization

/// One accepted connection of a scripted daemon; used by its thread alone.
final class ScriptedConnection {
    let number: Int
    var session: UInt32 = 0
    private let socket: UnixSocket
    private var buffer = [UInt8](repeating: 0, count: Frame.maximumByteCount + 1)

    init(_ socket: consuming UnixSocket, number: Int) {
        self.socket = socket
        self.number = number
    }

    deinit { hangUp(socket) }

    /// The next frame; nil: none came for some milliseconds.
    func next() throws -> RequestFrame? {
        let received: Received
        do throws(Errno) {
            received = try socket.receive(into: &buffer)
        } catch {
            guard error == .wouldBlock else { throw error }
            return nil
        }
        guard received.byteCount > 0 else { throw Errno.connectionReset }
        return try Request.decode([UInt8](buffer[..<received.byteCount]))
    }

    /// Sends a frame with descriptors, whose owners keep them.
    func send(_ bytes: [UInt8], _ descriptors: [CInt]) throws {
        let copies = try descriptors.map { try Copy(of: $0) }
        switch copies.count {
        case 0: try socket.send(bytes)
        case 1: try socket.send(bytes, with: copies[0].descriptor)
        case 2: try socket.send(bytes, with: copies[0].descriptor, and: copies[1].descriptor)
        default:
            try socket.send(
                bytes, with: copies[0].descriptor, and: copies[1].descriptor, and: copies[2].descriptor)
        }
    }

    /// A descriptor that an array can hold.
    private final class Copy {
        let descriptor: FileDescriptor

        init(of raw: CInt) throws(Errno) {
            let copy = fcntl(raw, F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else { throw .badFileDescriptor }
            descriptor = FileDescriptor(owning: copy)
        }
    }
}

/// Ends a socket for everybody: a program that another test starts has a copy of it until its exec.
private func hangUp(_ socket: borrowing UnixSocket) { _ = shutdown(socket.descriptor.rawValue, CInt(SHUT_RDWR)) }

/// A listening socket and the threads that serve it.
final class Listener: Sendable {
    /// nil: stopped.
    private let socket: Mutex<UnixSocket?>
    private let isStopped = Atomic(false)
    private let round = Atomic(0)
    private let count = Atomic(0)
    private let threads = DispatchGroup()
    private let connections = DispatchGroup()

    /// Serves each connection by calling `serve` again and again until it returns false.
    init(_ socket: consuming UnixSocket, _ serve: @escaping @Sendable (ScriptedConnection) -> Bool) {
        self.socket = Mutex(socket)
        threads.enter()
        Thread.detachNewThread { [self] in
            accept(serve)
            threads.leave()
        }
    }

    private func accept(_ serve: @escaping @Sendable (ScriptedConnection) -> Bool) {
        while !isStopped.load(ordering: .relaxed) {
            do {
                guard let accepted = try next() else { continue }
                try accepted.setNonBlocking(false)
                try accepted.setReceiveTimeout(milliseconds: 10)
                begin(accepted, serve)
            } catch {
                return
            }
        }
    }

    /// The next connection; nil: none came for some milliseconds.
    private func next() throws -> UnixSocket? {
        try socket.withLock { held in
            switch held {
            case .some(let socket): try socket.accept()
            case .none: nil
            }
        }
    }

    private func begin(
        _ socket: consuming UnixSocket, _ serve: @escaping @Sendable (ScriptedConnection) -> Bool
    ) {
        let box = Mutex<UnixSocket?>(socket)
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let start = round.load(ordering: .relaxed)
        connections.enter()
        Thread.detachNewThread { [self] in
            if let socket = box.withLock({ $0.take() }) {
                let connection = ScriptedConnection(socket, number: number)
                while !isStopped.load(ordering: .relaxed), round.load(ordering: .relaxed) == start,
                    serve(connection)
                {}
            }
            connections.leave()
        }
    }

    /// Ends the connections that there are, and waits for it.
    func endConnections() {
        round.wrappingAdd(1, ordering: .relaxed)
        connections.wait()
    }

    /// Ends everything and waits for it.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        threads.wait()
        connections.wait()
        if let last = socket.withLock({ $0.take() }) { hangUp(last) }
    }
}
