import Glibc
import LinuxIPC
import Testing

struct GuardedMappingTests {
    /// How a process ended: the signal, 0 for none.
    private func signal(of peer: borrowing Peer) throws -> Int32 {
        var information = unsafe siginfo_t()
        #expect(unsafe waitid(P_PID, id_t(peer.pid), &information, WEXITED | WNOWAIT) == 0)
        var status: Int32 = 0
        #expect(unsafe waitpid(peer.pid, &status, 0) == peer.pid)
        return status & 0x7f
    }

    @Test func missingPagesOfAGuardedMappingReadAsZerosAndOthersEndTheProcess() throws {
        let peer = try Peer("missing")
        #expect(
            try peer.socket.text()
                == "kept 7, damaged false, 0 9, 0 9, 0 9, damaged true and false, 3 pages")
        #expect(try signal(of: peer) == SIGBUS)
    }

    @Test func processThatDoesNotCatchThemIsEnded() throws {
        // The seeded fault.
        #expect(try signal(of: try Peer("missing", "uncaught")) == SIGBUS)
    }
}
