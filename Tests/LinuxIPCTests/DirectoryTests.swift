import Glibc
import LinuxIPC
import Testing

struct DirectoryTests {
    /// Makes a folder with a file, a folder with a file in it, links to both, a link that leads out, and a pipe.
    private func populate(_ folder: borrowing TemporaryFolder) throws -> Directory {
        let directory = try Directory.open(folder.path)
        try directory.createFile(bytes("file"), bytes("content"))
        try directory.makeDirectory(bytes("folder"))
        try directory.createFile(bytes("folder/inner"), bytes("inner content"))
        for (target, name) in [("file", "link"), ("folder", "folder-link"), ("/etc", "out"), ("..", "up")] {
            guard unsafe symlink(target, folder.path + "/" + name) == 0 else { throw Errno(rawValue: Glibc.errno) }
        }
        guard unsafe mkfifo(folder.path + "/pipe", 0o600) == 0 else { throw Errno(rawValue: Glibc.errno) }
        return directory
    }

    /// Runs every operation that takes a path and returns what each throws.
    private func errors(of directory: borrowing Directory, at path: [UInt8]) -> [Errno?] {
        [
            errno { () throws(Errno) in _ = try directory.openBeneath(path, flags: []) },
            errno { () throws(Errno) in _ = try directory.openBeneath(path, flags: [.writeOnly, .create], mode: 0o600)
            },
            errno { () throws(Errno) in _ = try directory.openDirectory(path) },
            errno { () throws(Errno) in _ = try directory.readFile(path) },
            errno { () throws(Errno) in try directory.createFile(path, [1]) },
            errno { () throws(Errno) in try directory.replaceFile(path, [1]) },
            errno { () throws(Errno) in try directory.makeDirectory(path) },
            errno { () throws(Errno) in try directory.makeParents(of: path) },
            errno { () throws(Errno) in try directory.removeFile(path) },
            errno { () throws(Errno) in _ = try directory.status(of: path) },
        ]
    }

    @Test(arguments: [
        ("/etc/passwd", Errno.improperLink), ("/", .improperLink), ("..", .improperLink), ("../x", .improperLink),
        ("folder/../file", .improperLink), ("folder/..", .improperLink), ("", .invalidArgument),
        (".", .invalidArgument), ("./file", .invalidArgument), ("folder/", .invalidArgument),
        ("folder//inner", .invalidArgument), ("folder/./inner", .invalidArgument), ("fi\0le", .invalidArgument),
    ])
    func pathsThatLeadElsewhereAreRefused(path: String, expected: Errno) throws {
        let folder = try TemporaryFolder()
        let directory = try populate(folder)
        for error in errors(of: directory, at: bytes(path)) { #expect(error == expected) }
    }

    @Test(arguments: ["out/passwd", "up/x", "folder-link/inner", "folder-link/new"])
    func linksOnTheWayAreRefused(path: String) throws {
        let folder = try TemporaryFolder()
        let directory = try populate(folder)
        let parents = errno { () throws(Errno) in try directory.makeParents(of: bytes(path)) }
        #expect(parents == nil, "the link is there, and what is made beyond it fails")
        for (index, error) in errors(of: directory, at: bytes(path)).enumerated() where index != 7 {
            #expect(error == .tooManySymbolicLinkLevels || error == .notDirectory, "operation \(index)")
        }
        let inner = try directory.readFile(bytes("folder/inner"))
        #expect(inner == bytes("inner content"))
        #expect(try directory.openDirectory(bytes("folder")).entries().count == 1)
    }

    @Test func linksThemselvesAreNotFollowed() throws {
        let folder = try TemporaryFolder()
        let directory = try populate(folder)
        #expect(
            errno { () throws(Errno) in _ = try directory.readFile(bytes("link")) } == .tooManySymbolicLinkLevels)
        #expect(errno { () throws(Errno) in try directory.createFile(bytes("link"), [1]) } == .fileExists)
        #expect(try directory.status(of: bytes("link")).kind == .link)
        // Replacing a link replaces the link, not what it leads to.
        try directory.replaceFile(bytes("link"), bytes("own"))
        #expect(try directory.status(of: bytes("link")).kind == .regular)
        #expect(try directory.readFile(bytes("file")) == bytes("content"))
    }

    @Test func everyKindOfEntryIsListed() throws {
        let folder = try TemporaryFolder()
        let directory = try populate(folder)
        let listener = try UnixSocket.listening(at: folder.path + "/socket", mode: 0o600, backlog: 1)
        let found = try directory.entries().map { "\(String(decoding: $0.name, as: UTF8.self)): \($0.kind)" }
        let expected = [
            "file: regular", "folder: directory", "folder-link: link", "link: link", "out: link", "pipe: other",
            "socket.lock: regular", "socket: socket", "up: link",
        ]
        #expect(found.sorted() == expected.sorted())
        // Listing again starts again.
        #expect(try directory.entries().count == expected.count)
        _ = consume listener
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 1_000_003]) func fileComesBackAsItWasWritten(byteCount: Int) throws {
        let folder = try TemporaryFolder()
        let directory = try Directory.open(folder.path)
        let content = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        // Names are bytes, not text.
        let path: [UInt8] = bytes("a/b/") + [0xFF, 0xFE, UInt8(ascii: "\n")]
        try directory.makeParents(of: path)
        try directory.makeParents(of: path)
        try directory.createFile(path, content, mode: 0o600)
        #expect(try directory.readFile(path) == content)
        #expect(try directory.status(of: path).byteCount == UInt64(byteCount))
        #expect(try directory.readFile(path, atMost: byteCount) == content)
        if byteCount > 0 {
            #expect(
                errno { () throws(Errno) in _ = try directory.readFile(path, atMost: byteCount - 1) } == .fileTooLarge)
        }
    }

    @Test func filesWithoutASizeAreReadToTheEnd() throws {
        let directory = try Directory.open("/proc/self")
        let content = try directory.readFile(bytes("status"))
        #expect(content.starts(with: bytes("Name:")))
        #expect(
            errno { () throws(Errno) in _ = try directory.readFile(bytes("status"), atMost: 10) } == .fileTooLarge)
    }

    @Test func existingFileIsKeptOrReplacedWhole() throws {
        let folder = try TemporaryFolder()
        let directory = try populate(folder)
        #expect(errno { () throws(Errno) in try directory.createFile(bytes("file"), bytes("new")) } == .fileExists)
        #expect(try directory.readFile(bytes("file")) == bytes("content"))
        let count = try directory.entries().count
        try directory.replaceFile(bytes("file"), bytes("new"))
        #expect(try directory.readFile(bytes("file")) == bytes("new"))
        #expect(try directory.entries().count == count)
        // A folder can't be replaced, and the attempt leaves nothing behind.
        #expect(errno { () throws(Errno) in try directory.replaceFile(bytes("folder"), bytes("new")) } == .isDirectory)
        #expect(try directory.entries().count == count)
    }

    @Test func whatIsNoOrdinaryFileIsNotRead() throws {
        let folder = try TemporaryFolder()
        let directory = try populate(folder)
        #expect(errno { () throws(Errno) in _ = try directory.readFile(bytes("pipe")) } == .invalidArgument)
        #expect(errno { () throws(Errno) in _ = try directory.readFile(bytes("folder")) } == .invalidArgument)
        #expect(
            errno { () throws(Errno) in _ = try directory.readFile(bytes("nothing")) } == .noSuchFileOrDirectory)
        #expect(errno { () throws(Errno) in _ = try directory.openDirectory(bytes("file")) } == .notDirectory)
        try directory.removeFile(bytes("file"))
        #expect(errno { () throws(Errno) in _ = try directory.status(of: bytes("file")) } == .noSuchFileOrDirectory)
    }
}
