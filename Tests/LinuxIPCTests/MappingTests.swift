import Glibc
import LinuxIPC
import Testing

struct MappingTests {
    @Test func mappingsOfOneFileShareItsBytes() throws {
        let file = try MemoryFile.create(label: "shared")
        try file.reserve(byteCount: 65536)
        let writable = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: true)
        let readOnlyFile = try file.reopenedReadOnly()
        let readOnly = try Mapping(of: readOnlyFile, byteCount: 65536, access: .readOnly, isPrivateToProcess: true)
        unsafe writable.baseAddress.storeBytes(of: 0x5A, toByteOffset: 65535, as: UInt8.self)
        #expect(unsafe readOnly.baseAddress.load(fromByteOffset: 65535, as: UInt8.self) == 0x5A)
        let isElsewhere = unsafe readOnly.baseAddress != writable.baseAddress
        #expect(isElsewhere)
    }

    @Test func mappingOutlivesItsDescriptor() throws {
        func mapped() throws(Errno) -> Mapping {
            let file = try MemoryFile.create(label: "outlived")
            try file.reserve(byteCount: 4096)
            return try Mapping(of: file, byteCount: 4096, access: .readWrite, isPrivateToProcess: false)
        }
        let mapping = try mapped()
        unsafe mapping.baseAddress.storeBytes(of: 7, as: UInt8.self)
        #expect(unsafe mapping.baseAddress.load(as: UInt8.self) == 7)
    }

    @Test func privateMappingIsLeftOutOfDumpsAndChildren() throws {
        let file = try MemoryFile.create(label: "mapping-private")
        try file.reserve(byteCount: 65536)
        let mapping = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: true)
        let flags = try #require(try vmFlags(label: "mapping-private").first)
        #expect(flags.contains("dd") && flags.contains("dc"))
        _ = consume mapping
        #expect(try vmFlags(label: "mapping-private").isEmpty)
    }

    @Test func ordinaryMappingIsKeptInDumpsAndChildren() throws {
        let file = try MemoryFile.create(label: "mapping-ordinary")
        try file.reserve(byteCount: 65536)
        let mapping = try Mapping(of: file, byteCount: 65536, access: .readWrite, isPrivateToProcess: false)
        let flags = try #require(try vmFlags(label: "mapping-ordinary").first)
        #expect(!flags.contains("dd") && !flags.contains("dc"))
        _ = consume mapping
    }

    @Test func childsTouchOfAPrivateMappingFaultsItsForkIsCountedAndItsCopiesAreClosed() throws {
        let peer = try Peer("forker")
        #expect(
            try peer.socket.text()
                == """
                shared: exit 0; private: signal \(SIGSEGV); counter: exit 1 in the child, 0 here; \
                descriptors: exit 1, then exit 1 in the child, 150 here
                """)
    }

    @Test(arguments: [2 << 20, (2 << 20) + 1, 5 << 20]) func largeMappingIsAlignedToHugePages(byteCount: Int) throws {
        let label = "large-\(byteCount)"
        let file = try MemoryFile.create(label: label)
        try file.reserve(byteCount: byteCount)
        let mapping = try Mapping(of: file, byteCount: byteCount, access: .readWrite, isPrivateToProcess: true)
        #expect(unsafe UInt(bitPattern: mapping.baseAddress) % (2 << 20) == 0)
        unsafe mapping.baseAddress.storeBytes(of: 1, toByteOffset: byteCount - 1, as: UInt8.self)
        #expect(mapping.byteCount == byteCount)
        #expect(try vmFlags(label: label).count == 1)
        _ = consume mapping
        #expect(try vmFlags(label: label).isEmpty)
    }

    @Test func impossibleMappingsAreRefused() throws {
        let file = try MemoryFile.create(label: "impossible")
        try file.reserve(byteCount: 4096)
        for (byteCount, expected) in [(0, Errno.invalidArgument), (-1, .invalidArgument), (Int.max, .noMemory)] {
            let error = errno { () throws(Errno) in
                _ = try Mapping(of: file, byteCount: byteCount, access: .readOnly, isPrivateToProcess: false)
            }
            #expect(error == expected)
        }
        let closed = MemoryFile(adopting: FileDescriptor(owning: -1))
        #expect(
            errno { () throws(Errno) in
                _ = try Mapping(of: closed, byteCount: 4096, access: .readOnly, isPrivateToProcess: false)
            } == .badFileDescriptor)
    }

    /// Reads the kernel's flags of each mapping of the memory file with a label of the test's own; `proc(5)`.
    private func vmFlags(label: String) throws -> [Set<Substring>] {
        // Foundation stops after the first page of a file that claims to be empty.
        let text = String(decoding: try Directory.open("/proc/self").readFile(bytes("smaps")), as: UTF8.self)
        var found: [Set<Substring>] = []
        var isOurs = false
        for line in text.split(separator: "\n") {
            if line.contains("/memfd:") || !line.prefix(20).contains(":") { isOurs = line.contains("/memfd:\(label) ") }
            if isOurs, line.hasPrefix("VmFlags:") {
                found.append(Set(line.dropFirst(8).split(separator: " ")))
                isOurs = false
            }
        }
        return found
    }
}
