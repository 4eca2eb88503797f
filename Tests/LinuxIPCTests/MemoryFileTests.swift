import Glibc
import LinuxIPC
import Testing

struct MemoryFileTests {
    @Test func reservedFileHasItsSizeAndOnlyZeroes() throws {
        let file = try MemoryFile.create(label: "reserved")
        try file.reserve(byteCount: 100_000)
        let byteCount = try file.byteCount()
        #expect(byteCount == 100_000)
        let mapping = try Mapping(of: file, byteCount: byteCount, access: .readOnly, isPrivateToProcess: false)
        let isZero = unsafe UnsafeRawBufferPointer(start: mapping.baseAddress, count: byteCount).allSatisfy { $0 == 0 }
        #expect(isZero)
    }

    @Test func reservedMemoryIsTaken() throws {
        let file = try MemoryFile.create(label: "taken")
        try file.reserve(byteCount: 150 << 20)
        var status = stat()
        try #require(unsafe fstat(file.descriptor.rawValue, &status) == 0)
        #expect(status.st_blocks * 512 == 150 << 20)
    }

    @Test func newFileBelongsToItsOwnerAlone() throws {
        let file = try MemoryFile.create(label: "mode")
        let status = try file.descriptor.status()
        #expect(status.mode == 0o600)
        #expect(status.kind == .regular)
        #expect(status.owner == geteuid())
        #expect(fcntl(file.descriptor.rawValue, F_GETFD) == FD_CLOEXEC)
    }

    @Test func sealedFileRefusesToShrinkAndToGrow() throws {
        let file = try MemoryFile.create(label: "sealed")
        try file.reserve(byteCount: 65536)
        let raw = file.descriptor.rawValue
        // The same calls succeed before.
        #expect(ftruncate(raw, 32768) == 0)
        #expect(ftruncate(raw, 65536) == 0)
        #expect(try !file.isSealed())
        try file.seal()
        #expect(try file.isSealed())
        #expect(ftruncate(raw, 32768) == -1 && Glibc.errno == EPERM)
        #expect(ftruncate(raw, 131_072) == -1 && Glibc.errno == EPERM)
        #expect(errno { () throws(Errno) in try file.reserve(byteCount: 131_072) } == .notPermitted)
        #expect(errno { () throws(Errno) in try file.seal() } == .notPermitted)
        #expect(try file.byteCount() == 65536)
    }

    @Test(arguments: [1 << 50, Int.max]) func moreThanTheMachineHasIsRefusedAndLeavesNothing(byteCount: Int) throws {
        let file = try MemoryFile.create(label: "beyond")
        #expect(errno { () throws(Errno) in try file.reserve(byteCount: byteCount) } == .noMemory)
        #expect(try file.byteCount() == 0)
    }

    @Test(arguments: [0, -1, Int.min]) func sizesThatAreNoneAreRefused(byteCount: Int) throws {
        let file = try MemoryFile.create(label: "none")
        #expect(errno { () throws(Errno) in try file.reserve(byteCount: byteCount) } == .invalidArgument)
    }

    @Test func failedReservationGivesBackWhatItTook() throws {
        // A file that is read-only can't grow; the error is the kernel's.
        let file = try MemoryFile.create(label: "read-only").reopenedReadOnly()
        #expect(errno { () throws(Errno) in try file.reserve(byteCount: 4096) } == .invalidArgument)
        #expect(try file.byteCount() == 0)
    }

    @Test func memoryOfTheMachineIsPlausible() throws {
        let memory = try SystemMemory.current()
        #expect(memory.totalByteCount >= 64 << 20)
        #expect(memory.freeByteCount <= memory.totalByteCount)
    }

    @Test func readOnlyReopenGivesNoWayToWrite() throws {
        let file = try MemoryFile.create(label: "reopened")
        try file.reserve(byteCount: 65536)
        let readOnly = try file.reopenedReadOnly()
        let raw = readOnly.descriptor.rawValue
        #expect(fcntl(raw, F_GETFL) & O_ACCMODE == O_RDONLY)
        #expect(fcntl(raw, F_GETFD) == FD_CLOEXEC)
        #expect(
            errno { () throws(Errno) in
                _ = try Mapping(of: readOnly, byteCount: 65536, access: .readWrite, isPrivateToProcess: true)
            } == .permissionDenied)
        let mapping = try Mapping(of: readOnly, byteCount: 65536, access: .readOnly, isPrivateToProcess: true)
        #expect(unsafe mprotect(mapping.baseAddress, 65536, PROT_READ | PROT_WRITE) == -1 && Glibc.errno == EACCES)
        #expect(ftruncate(raw, 0) == -1 && Glibc.errno == EINVAL)
        #expect(unsafe write(raw, "x", 1) == -1 && Glibc.errno == EBADF)
        // The checks can fail: a writable descriptor passes them all.
        let writable = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: true)
        #expect(unsafe mprotect(writable.baseAddress, 65536, PROT_READ) == 0)
        #expect(unsafe mprotect(writable.baseAddress, 65536, PROT_READ | PROT_WRITE) == 0)
        #expect(ftruncate(file.descriptor.rawValue, 65536) == 0)
    }
}

/// Runs an owner and readers as users of their own, so the tests need root.
struct MemoryFileAccessTests {
    /// The daemon's user, a client's, and a third one.
    private let owner = "60001", client = "60002", stranger = "60003"

    /// Starts an owner and returns what a reader with a uid says of the descriptor that it was given.
    private func report(reader: String, fault: String = "") throws -> String {
        try #require(
            Peer.canChangeUser, "this test runs processes as uids 60001 to 60003 and needs root, so run it as root")
        let owner = try Peer("owner", owner, fault)
        let file = try owner.socket.memoryFile()
        let reader = try Peer("reader", reader, String(owner.pid))
        try reader.socket.send(bytes("try"), with: file.descriptor)
        return try reader.socket.text()
    }

    @Test func readOnlyClientOfAnotherUserHasNoWayToWrite() throws {
        #expect(try report(reader: client) == "uid 60002 reads 42, writes by nothing")
        #expect(try report(reader: stranger) == "uid 60003 reads 42, writes by nothing")
    }

    @Test func withTheKernelsDefaultModeTheClientWouldWrite() throws {
        #expect(
            try report(reader: client, fault: "default-mode")
                == "uid 60002 reads 42, writes by re-opening its own descriptor")
    }

    @Test func ownersUserIsNotHeldBack() throws {
        // Why the daemon has a user that no client uses.
        let report = try report(reader: owner)
        #expect(report.hasPrefix("uid 60001 reads 42, writes by fchmod, re-opening its own descriptor"))
    }
}
