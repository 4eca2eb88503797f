import Glibc
import LinuxIPC
import Testing

struct ProcessDescriptorTests {
    @Test func descriptorsOfOneProcessHaveOneMarkAndThoseOfTwoDiffer() throws {
        let first = try Peer("life")
        let second = try Peer("life")
        let marks = try [first.pid, first.pid, second.pid].map { pid in
            try ProcessDescriptor.opening(pid: pid).mark(ofPID: pid)
        }
        #expect(marks[0] == marks[1])
        #expect(marks[0] != marks[2])
    }

    @Test func deadProcessIsToldFromALivingOne() throws {
        let peer = try Peer("life")
        let process = try ProcessDescriptor.opening(pid: peer.pid)
        #expect(try !process.isDead())
        kill(peer.pid, SIGKILL)
        var look = pollfd(fd: process.descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&look, 1, 60_000) == 1)
        #expect(try process.isDead())
        // It isn't reaped yet, so it has its number still.
        #expect(try ProcessDescriptor.opening(pid: peer.pid).isDead())
    }

    @Test func processThatIsNotThereCanNotBeOpened() {
        #expect(errno { () throws(Errno) in _ = try ProcessDescriptor.opening(pid: 0x3fff_ffff) } == .noSuchProcess)
    }

    @Test func startTimeIsTheFieldBehindTheName() throws {
        let rest = (3...21).map { "\($0)" }.joined(separator: " ")
        for (text, expected) in [
            ("1 (name) \(rest) 4711 23 24\n", 4711), ("1 (a b) c) \(rest) 18446744073709551615", UInt64.max),
            ("1 () \(rest) 0 ", 0), ("1 (name) \(rest)", nil), ("1 (name) \(rest) ", nil), ("1 (name) \(rest) -1", nil),
            ("1 (name) \(rest) 18446744073709551616", nil), ("1 (name) \(rest) 99999999999999999999999", nil),
            ("", nil), ("1 name \(rest) 4711", nil), (")", nil),
        ] as [(String, UInt64?)] {
            #expect(ProcessDescriptor.startTime(inStat: bytes(text)) == expected, "\(text)")
        }
    }

    @Test func statCutShortAtAnyByteGivesTheWholeStartTimeOrNone() {
        let text = bytes("1 (name) \((3...21).map { "\($0)" }.joined(separator: " ")) 7 23\n")
        for length in 0..<text.count {
            let found = ProcessDescriptor.startTime(inStat: Array(text[..<length]))
            #expect(found == nil || found == 7)
        }
    }
}
