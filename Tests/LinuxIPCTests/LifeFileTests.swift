import Glibc
import LinuxIPC
import Testing

struct LifeFileTests {
    /// A process that has claimed a life file, and the word as everybody sees it.
    private struct Claimed: ~Copyable {
        let peer: Peer
        let file: HeldDescriptor
        let mapping: Mapping

        init(adopting file: HeldDescriptor? = nil, fault: String = "") throws {
            let peer = try Peer("life", fault)
            if let file {
                try peer.socket.send(bytes("this"), with: file.descriptor)
            } else {
                try peer.socket.send(bytes("any"))
            }
            var buffer = [UInt8](repeating: 0, count: 64)
            var message = try peer.socket.receive(into: &buffer)
            guard let writable = message.first.take(), let readOnly = message.second.take() else {
                throw Peer.Failure(description: "the peer sent no file")
            }
            let mapping = try Mapping(
                of: MemoryFile(adopting: readOnly), byteCount: LifeFile.byteCount, access: .readOnly,
                isPrivateToProcess: true)
            self.peer = peer
            self.file = HeldDescriptor(writable)
            self.mapping = mapping
        }

        var word: UInt32 { unsafe mapping.baseAddress.load(as: UInt32.self) }

        /// Kills the process and waits until it's dead.
        func kill() throws {
            let process = try ProcessDescriptor.opening(pid: peer.pid)
            Glibc.kill(peer.pid, SIGKILL)
            var look = pollfd(fd: process.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            #expect(unsafe poll(&look, 1, 60_000) == 1)
        }
    }

    @Test func kernelMarksTheWordOfAKilledProcess() throws {
        let claimed = try Claimed()
        let alive = claimed.word
        #expect(alive & 0x3fff_ffff == UInt32(claimed.peer.pid))
        #expect(alive & LifeFile.diedBit == 0)
        try claimed.kill()
        #expect(claimed.word & LifeFile.diedBit != 0)
        #expect(claimed.word != alive)
    }

    @Test func wordThatIsNotClaimedIsCaught() throws {
        // The seeded fault: nobody would see this process die.
        let claimed = try Claimed(fault: "unclaimed")
        try claimed.kill()
        #expect(claimed.word & LifeFile.diedBit == 0)
    }

    @Test func nextProcessHasAnotherWordInTheSameFile() throws {
        let first = try Claimed()
        let words = [first.word]
        try first.kill()
        let dead = first.word
        let second = try Claimed(adopting: first.file)
        #expect(second.word == first.word)
        #expect(second.word != words[0] && second.word != dead)
        // Also if it has the same number: the highest bit alternates.
        #expect(second.word & 0x8000_0000 != words[0] & 0x8000_0000)
        try second.kill()
        #expect(second.word & LifeFile.diedBit != 0)
        let third = try Claimed(adopting: first.file)
        #expect(third.word & 0x8000_0000 == words[0] & 0x8000_0000)
    }

    @Test func fileThatIsNoLifeFileIsRefused() throws {
        let short = try MemoryFile.create(label: "short")
        try short.reserve(byteCount: 100)
        try short.seal()
        let open = try MemoryFile.create(label: "open")
        try open.reserve(byteCount: LifeFile.byteCount)
        for file in [try short.descriptor.duplicated().release(), try open.descriptor.duplicated().release()] {
            #expect(
                errno { () throws(Errno) in
                    _ = try LifeFile(adopting: MemoryFile(adopting: FileDescriptor(owning: file)))
                } == .wrongMediumType)
        }
    }
}
