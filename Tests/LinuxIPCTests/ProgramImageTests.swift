import Glibc
import LinuxIPC
import Testing

struct ProgramImageTests {
    /// Makes a memory file that holds a text.
    private func file(_ text: String) throws -> HeldDescriptor {
        let file = try MemoryFile.create(label: "image")
        try file.descriptor.writeAll(bytes(text))
        return HeldDescriptor(file.takeDescriptor())
    }

    /// Runs a shell script whose output is its descriptor 3, and returns what it has written and how it ended.
    private func run(
        _ script: String, descriptors: [HeldDescriptor] = []
    ) throws -> (output: String, end: ChildProcess.End, pid: Int32) {
        let output = HeldDescriptor(try MemoryFile.create(label: "output").takeDescriptor())
        let image = ProgramImage(
            path: "/bin/sh", arguments: ["sh", "-c", "exec >&3; \(script)"],
            environment: ["GIVEN=a b", "PATH=/usr/bin:/bin"], processVariables: ["MINE", "MINE_TOO"],
            descriptors: [output] + descriptors)
        let child = try image.start(deathSignal: SIGKILL)
        let end = try child.reap()
        #expect(lseek(output.descriptor.rawValue, 0, SEEK_SET) == 0)
        return (String(decoding: try output.descriptor.readToEnd(), as: UTF8.self), end, child.pid)
    }

    @Test func descriptorsStandInOrderWhereverTheyWere() throws {
        let files = try (0..<40).map { try file("\($0);") }
        for order in [Array(0..<40), Array((0..<40).reversed()), Array(20..<40) + Array(0..<20), [7, 7, 3, 7]] {
            let read = (4..<(4 + order.count)).map { "cat /proc/self/fd/\($0)" }.joined(separator: "; ")
            let outcome = try run(read, descriptors: order.map { files[$0] })
            #expect(outcome.output == order.map { "\($0);" }.joined())
        }
        // They are still this process's own.
        for (number, file) in files.enumerated() {
            #expect(lseek(file.descriptor.rawValue, 0, SEEK_SET) == 0)
            #expect(try file.descriptor.readToEnd() == bytes("\(number);"))
            #expect(fcntl(file.descriptor.rawValue, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func nothingElseIsOpen() throws {
        // One that a careless program would leave open in its children.
        let careless = try file("careless").descriptor.duplicated()
        #expect(fcntl(careless.rawValue, F_SETFD, 0) == 0)
        let outcome = try run("ls /proc/$$/fd", descriptors: [file("a")])
        #expect(outcome.output == "0\n1\n2\n3\n4\n")
    }

    @Test func environmentHoldsThePid() throws {
        let outcome = try run("echo $GIVEN,$MINE,$MINE_TOO,$HOME,$$")
        #expect(outcome.output == "a b,\(outcome.pid),\(outcome.pid),,\(outcome.pid)\n")
    }

    @Test func signalsBeginAsUsual() throws {
        let before = signal(SIGUSR2, SIG_IGN)
        defer { signal(SIGUSR2, before) }
        let status = try run("exec grep -E '^Sig(Blk|Ign)' /proc/self/status").output
        let masks = status.split(separator: "\n").compactMap { UInt64($0.suffix(16), radix: 16) }
        #expect(masks.count == 2)
        // Signals 32 and 33 are the C library's own.
        #expect(masks.allSatisfy { $0 & ~0x1_8000_0000 == 0 }, "\(status)")
    }

    @Test func endIsToldApart() throws {
        #expect(try run("exit 3").end == .exited(3))
        #expect(try run("kill -9 $$").end == .killed(SIGKILL))
    }

    @Test func programThatCannotRunIsAnError() {
        for (path, expected) in [
            ("/nonexistent", Errno.noSuchFileOrDirectory), ("/etc/passwd", .permissionDenied),
            ("/tmp", .permissionDenied),
        ] {
            let image = ProgramImage(
                path: path, arguments: ["x"], environment: [], processVariables: [], descriptors: [])
            #expect(errno { () throws(Errno) in _ = try image.start(deathSignal: SIGKILL) } == expected, "\(path)")
        }
    }
}
