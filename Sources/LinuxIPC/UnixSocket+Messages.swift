internal import CLinuxIPC

/// Is what came with one message beside its bytes.
package struct Received: ~Copyable, Sendable {
    /// How many bytes of the buffer the message fills; 0: the peer closed its end.
    package let byteCount: Int
    /// Whether the message was longer than the buffer; its rest is gone.
    package let isTruncated: Bool
    /// Whether more descriptors were sent than are taken, or no room was left for them; the rest is closed.
    package let isControlTruncated: Bool
    /// How many descriptors were taken: 0 to 3.
    package let descriptorCount: Int
    /// The first descriptor; `take()` it, or it is closed with this value.
    package var first: FileDescriptor?
    /// The second descriptor.
    package var second: FileDescriptor?
    /// The third descriptor.
    package var third: FileDescriptor?
}

extension UnixSocket {
    /// Sends one message; `sendmsg(2)`.
    ///
    /// An empty message is refused as `invalidArgument`: it would read like the end of the connection.
    package borrowing func send(_ bytes: [UInt8]) throws(Errno) {
        try send(bytes, [])
    }

    /// Sends one message with a descriptor, which the caller keeps too; `sendmsg(2)`.
    package borrowing func send(_ bytes: [UInt8], with first: borrowing FileDescriptor) throws(Errno) {
        try send(bytes, [first.rawValue])
    }

    /// Sends one message with two descriptors, which the caller keeps too; `sendmsg(2)`.
    package borrowing func send(
        _ bytes: [UInt8], with first: borrowing FileDescriptor, and second: borrowing FileDescriptor
    ) throws(Errno) {
        try send(bytes, [first.rawValue, second.rawValue])
    }

    /// Sends one message with three descriptors, which the caller keeps too; `sendmsg(2)`.
    package borrowing func send(
        _ bytes: [UInt8], with first: borrowing FileDescriptor, and second: borrowing FileDescriptor,
        and third: borrowing FileDescriptor
    ) throws(Errno) {
        try send(bytes, [first.rawValue, second.rawValue, third.rawValue])
    }

    /// Sends one message with descriptors by their numbers.
    private borrowing func send(_ bytes: [UInt8], _ descriptors: [CInt]) throws(Errno) {
        guard !bytes.isEmpty else { throw .invalidArgument }
        let raw = descriptor.rawValue
        try retryingInTime(.send) {
            unsafe linuxipc_send(raw, bytes, bytes.count, descriptors, CInt(descriptors.count))
        }
    }

    /// Receives one message into `buffer`, whose length is the most that is taken; `recvmsg(2)`.
    ///
    /// The descriptors are closed on exec. Throws `wouldBlock` when the time-out passes or nothing is there.
    package borrowing func receive(into buffer: inout [UInt8]) throws(Errno) -> Received {
        guard !buffer.isEmpty else { throw .invalidArgument }
        let raw = descriptor.rawValue
        let capacity = buffer.count
        var control = linuxipc_received()
        let byteCount = try retryingInTime(.receive) { unsafe linuxipc_receive(raw, &buffer, capacity, &control) }
        return Received(
            byteCount: byteCount, isTruncated: control.is_truncated != 0,
            isControlTruncated: control.is_control_truncated != 0, descriptorCount: Int(control.descriptor_count),
            first: Self.owned(control.descriptors.0), second: Self.owned(control.descriptors.1),
            third: Self.owned(control.descriptors.2))
    }

    /// Takes over a received descriptor, if there is one.
    private static func owned(_ raw: CInt) -> FileDescriptor? { raw < 0 ? nil : FileDescriptor(owning: raw) }
}
