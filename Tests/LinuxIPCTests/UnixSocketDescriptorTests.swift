import Glibc
import LinuxIPC
import Testing

struct UnixSocketDescriptorTests {
    @Test func counterSeesALeak() throws {
        let label = "leak"
        #expect(try descriptorCount(label: label) == 0)
        let raw = try MemoryFile.create(label: label).takeDescriptor().release()
        #expect(try descriptorCount(label: label) == 1)
        let duplicate = try FileDescriptor(owning: raw).duplicated()
        #expect(try descriptorCount(label: label) == 1)
        #expect(fcntl(duplicate.rawValue, F_GETFD) == FD_CLOEXEC)
        _ = consume duplicate
        #expect(try descriptorCount(label: label) == 0)
    }

    @Test func failuresLeaveNoDescriptorBehind() throws {
        let label = "failing"
        let file = try MemoryFile.create(label: label)
        _ = errno { () throws(Errno) in try file.reserve(byteCount: Int.max) }
        _ = errno { () throws(Errno) in
            _ = try Mapping(of: file, byteCount: 0, access: .readWrite, isPrivateToProcess: true)
        }
        #expect(try descriptorCount(label: label) == 1)
        _ = consume file
        #expect(try descriptorCount(label: label) == 0)
    }

    @Test func descriptorsArePassedAndClosed() throws {
        let label = "passed"
        do {
            let file = try MemoryFile.create(label: label)
            try file.reserve(byteCount: 4096)
            let readOnly = try file.reopenedReadOnly()
            let pair = try connectedPair()
            try pair.first.send([1], with: file.descriptor)
            try pair.first.send([2], with: readOnly.descriptor, and: file.descriptor)
            #expect(try descriptorCount(label: label) == 2)

            var buffer = [UInt8](repeating: 0, count: 4)
            var one = try pair.second.receive(into: &buffer)
            #expect(one.descriptorCount == 1 && !one.isControlTruncated)
            guard let first = one.first.take() else { throw Errno.badFileDescriptor }
            let hasSecond = one.second != nil
            #expect(!hasSecond)
            #expect(try first.status().inode == file.descriptor.status().inode)
            #expect(fcntl(first.rawValue, F_GETFD) == FD_CLOEXEC)

            var two = try pair.second.receive(into: &buffer)
            #expect(two.descriptorCount == 2 && !two.isControlTruncated)
            guard let readable = two.first.take() else { throw Errno.badFileDescriptor }
            guard let writable = two.second.take() else { throw Errno.badFileDescriptor }
            #expect(fcntl(readable.rawValue, F_GETFL) & O_ACCMODE == O_RDONLY)
            #expect(fcntl(writable.rawValue, F_GETFL) & O_ACCMODE == O_RDWR)
            #expect(try descriptorCount(label: label) == 5)

            try pair.first.send([3], with: readOnly.descriptor, and: file.descriptor, and: readOnly.descriptor)
            var three = try pair.second.receive(into: &buffer)
            #expect(three.descriptorCount == 3 && !three.isControlTruncated)
            guard let last = three.third.take() else { throw Errno.badFileDescriptor }
            #expect(fcntl(last.rawValue, F_GETFL) & O_ACCMODE == O_RDONLY)
            #expect(try descriptorCount(label: label) == 8)
        }
        #expect(try descriptorCount(label: label) == 0)
    }

    @Test func descriptorsNobodyTakesAreClosed() throws {
        let label = "ignored"
        let file = try MemoryFile.create(label: label)
        let pair = try connectedPair()
        var buffer = [UInt8](repeating: 0, count: 1)
        for _ in 0..<100 {
            try pair.first.send([1, 2], with: file.descriptor, and: file.descriptor)
            let message = try pair.second.receive(into: &buffer)
            #expect(message.isTruncated && message.descriptorCount == 2)
        }
        #expect(try descriptorCount(label: label) == 1)
    }

    @Test(arguments: [4, 5, 17, 253]) func tooManyDescriptorsAreFlaggedAndNoneLeaks(count: Int) throws {
        let label = "many-\(count)"
        let file = try MemoryFile.create(label: label)
        let pair = try connectedPair()
        var buffer = [UInt8](repeating: 0, count: 4)
        do {
            try send([UInt8](repeating: 7, count: 3), count: count, of: file.descriptor, over: pair.first)
            let message = try pair.second.receive(into: &buffer)
            #expect(message.byteCount == 3)
            #expect(message.isControlTruncated == true)
            #expect(message.descriptorCount == 3)
            #expect(try descriptorCount(label: label) == 4)
        }
        #expect(try descriptorCount(label: label) == 1)
    }

    @Test(arguments: [1, 2, 3]) func handMadeControlMessageIsReceivedWhole(count: Int) throws {
        // The other half of the test above: the sender it uses is right.
        let file = try MemoryFile.create(label: "hand-made")
        let pair = try connectedPair()
        var buffer = [UInt8](repeating: 0, count: 4)
        try send([7], count: count, of: file.descriptor, over: pair.first)
        let message = try pair.second.receive(into: &buffer)
        #expect(message.isControlTruncated == false && message.descriptorCount == count)
    }

    /// Sends one message with `count` copies of a descriptor, as a client that doesn't keep to three could.
    private func send(
        _ bytes: [UInt8], count: Int, of descriptor: borrowing FileDescriptor, over socket: borrowing UnixSocket
    ) throws {
        // A cmsghdr is a length of 8 bytes, a level and a type of 4; `cmsg(3)`.
        let words = [UInt32(16 + 4 * count), 0, UInt32(SOL_SOCKET), 1]
        var control = words + [UInt32](repeating: UInt32(descriptor.rawValue), count: count)
        if count % 2 == 1 { control.append(0) }
        var bytes = bytes
        let raw = socket.descriptor.rawValue
        let sent = unsafe bytes.withUnsafeMutableBytes { bytes in
            var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return unsafe control.withUnsafeMutableBytes { control in
                unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr(
                        msg_name: nil, msg_namelen: 0, msg_iov: vector, msg_iovlen: 1, msg_control: control.baseAddress,
                        msg_controllen: control.count, msg_flags: 0)
                    return unsafe sendmsg(raw, &message, 0)
                }
            }
        }
        guard sent == bytes.count else { throw Errno(rawValue: Glibc.errno) }
    }
}
