internal import CLinuxIPC

/// Owns a unix socket that receives datagrams and learns who sent them; `SOCK_DGRAM` in `unix(7)`.
package struct DatagramSocket: ~Copyable, Sendable {
    /// The socket's descriptor.
    package let descriptor: FileDescriptor

    /// Makes a socket at `path`, where only this process's user and root can send; `bind(2)`, `SO_PASSCRED`.
    ///
    /// The longest path has 107 bytes; a file that exists is `addressInUse`.
    package static func bound(to path: String) throws(Errno) -> DatagramSocket {
        try UnixSocket.checkPath(path)
        let raw = try retryingWhenInterrupted { unsafe linuxipc_datagram_socket(path) }
        return DatagramSocket(descriptor: FileDescriptor(owning: raw))
    }

    /// Takes the next datagram into `buffer`, whose length is the most that is taken, or returns nil when none is
    /// there; `recvmsg(2)`.
    ///
    /// The descriptors are closed on exec.
    package borrowing func receive(into buffer: inout [UInt8]) throws(Errno) -> Datagram? {
        let raw = descriptor.rawValue
        let capacity = buffer.count
        var descriptors = [CInt](repeating: -1, count: LINUXIPC_DATAGRAM_DESCRIPTOR_MAX)
        var received = linuxipc_datagram()
        do throws(Errno) {
            let byteCount = try retryingWhenInterrupted {
                unsafe linuxipc_receive_datagram(raw, &buffer, capacity, &descriptors, &received)
            }
            return Datagram(
                byteCount: byteCount,
                isTruncated: received.is_truncated != 0 || received.is_control_truncated != 0,
                sender: received.process,
                descriptors: descriptors.prefix(Int(received.descriptor_count)).map {
                    HeldDescriptor(FileDescriptor(owning: $0))
                })
        } catch {
            guard error == .wouldBlock else { throw error }
            return nil
        }
    }
}

/// Is what came with one datagram beside its bytes.
package struct Datagram: Sendable {
    /// How many bytes of the buffer the datagram fills.
    package let byteCount: Int
    /// Whether bytes or descriptors are missing.
    package let isTruncated: Bool
    /// The process that sent it, as the kernel has checked; 0: one outside this pid namespace.
    package let sender: Int32
    /// The descriptors, at most 253.
    package let descriptors: [HeldDescriptor]
}
