import Foundation
import LinuxIPC
import Testing

struct DatagramSocketTests {
    /// Sends a datagram with so many descriptors of one file; `sendmsg(2)` by way of Python, which has it.
    private func send(_ text: String, descriptorCount: Int, to path: String) throws -> Int32 {
        let sender = Process()
        sender.executableURL = URL(filePath: "/usr/bin/python3")
        sender.arguments = [
            "-c",
            """
            import array, os, socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            fds = array.array("i", [os.open("/etc/passwd", os.O_RDONLY)] * int(sys.argv[2]))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else []
            s.sendmsg([sys.argv[1].encode()], rights, 0, sys.argv[3])
            """,
            text, "\(descriptorCount)", path,
        ]
        try sender.run()
        sender.waitUntilExit()
        try #require(sender.terminationStatus == 0)
        return sender.processIdentifier
    }

    @Test(arguments: [0, 1, 253])
    func senderAndDescriptorsArrive(count: Int) throws {
        let folder = try TemporaryFolder()
        let socket = try DatagramSocket.bound(to: folder.path + "/s")
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(try socket.receive(into: &buffer) == nil)
        let pid = try send("hello", descriptorCount: count, to: folder.path + "/s")
        let datagram = try #require(try socket.receive(into: &buffer))
        #expect(buffer[..<datagram.byteCount] == bytes("hello")[...])
        #expect(datagram.sender == pid)
        #expect(!datagram.isTruncated)
        #expect(datagram.descriptors.count == count)
        for held in datagram.descriptors {
            #expect(fcntl(held.descriptor.rawValue, F_GETFD) == FD_CLOEXEC)
            #expect(try held.descriptor.accessMode() == O_RDONLY)
        }
    }

    @Test func datagramThatIsTooLongIsMarked() throws {
        let folder = try TemporaryFolder()
        let socket = try DatagramSocket.bound(to: folder.path + "/s")
        var buffer = [UInt8](repeating: 0, count: 4)
        _ = try send("hello", descriptorCount: 0, to: folder.path + "/s")
        #expect(try #require(try socket.receive(into: &buffer)).isTruncated)
    }

    @Test func fileIsTheOwnersAlone() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/s"
        let socket = try DatagramSocket.bound(to: path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(errno { () throws(Errno) in _ = try DatagramSocket.bound(to: path) } == .addressInUse)
        #expect(
            errno { () throws(Errno) in _ = try DatagramSocket.bound(to: path + String(repeating: "s", count: 107)) }
                == .fileNameTooLong)
        _ = consume socket
    }
}
