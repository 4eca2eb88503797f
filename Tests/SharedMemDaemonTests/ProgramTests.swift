import Foundation
import SharedMemProtocol
import Testing

@Suite struct ProgramTests {
    /// Runs the program to its end.
    private func run(_ arguments: [String]) throws -> (status: Int32, output: String, words: String) {
        let process = Process()
        process.executableURL = URL(filePath: try RunningDaemon.program)
        process.arguments = arguments
        let output = Pipe()
        let words = Pipe()
        process.standardOutput = output
        process.standardError = words
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let said = String(decoding: try words.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, said)
    }

    @Test func usageErrorIsOneSentenceAnd64() throws {
        for (arguments, sentence) in [
            (["--bogus"], "<3>Unknown option '--bogus'; see sharedmemd --help\n"),
            (
                ["--log-level", "loud"],
                "<3>The value 'loud' is invalid for '--log-level <level>': expected error, warning, notice, info or "
                    + "debug; see sharedmemd --help\n"
            ),
            (
                ["--socket", ""],
                "<3>The value '' is invalid for '--socket <path>': the path has 0 bytes; expected 1 to 107; see "
                    + "sharedmemd --help\n"
            ),
        ] {
            let outcome = try run(arguments)
            #expect(outcome.status == 64)
            #expect(outcome.words == sentence)
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func configurationIsCheckedWithoutStarting() throws {
        let folder = try TemporaryFolder()
        let good = try folder.write("good.yaml", "segments: {a: {size: 1MiB}}\n")
        let bad = try folder.write("bad.yaml", "socket: /s\nsegments: {a: {size: 1XiB}}\n")
        var outcome = try run(["--check-config", "--config", good])
        #expect(outcome == (0, "\(good): ok\n", ""))
        outcome = try run(["--check-config", "--config", bad])
        #expect(outcome.status == 78)
        #expect(outcome.output.isEmpty)
        #expect(outcome.words.hasPrefix("<3>\(bad):2: segments.a.size is \"1XiB\"; expected a size from 64.0 KiB to "))
        outcome = try run(["--check-config", "--config", "/nonexistent"])
        #expect(outcome.status == 78)
        #expect(
            outcome.words
                == "<3>/nonexistent: the configuration can't be read: No such file or directory (ENOENT)\n")
    }

    @Test func socketOfAnotherDaemonIsRefusedAndAStaleOneReplaced() throws {
        let daemon = try RunningDaemon()
        let arguments = ["--socket", daemon.socketPath, "--state-directory", daemon.folder.path + "/other"]
        let outcome = try run(arguments)
        #expect(outcome.status == 69)
        #expect(
            outcome.words.hasSuffix(
                "<3>another daemon (pid \(daemon.pid), uid \(getuid())) listens at \(daemon.socketPath); expected one "
                    + "daemon a path\n"))
        try daemon.serves()
        #expect(try daemon.end(SIGKILL) == SIGKILL)
        #expect(FileManager.default.fileExists(atPath: daemon.socketPath))
        try RunningDaemon(in: daemon.folder).serves()
        let file = try daemon.folder.write("file", "precious")
        let taken = try run(["--socket", file])
        #expect(taken.status == 69)
        #expect(taken.words.hasSuffix("<3>\(file) exists and isn't a socket; expected a free path\n"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func signalEndsCleanlyAndRemovesThePath(signal: Int32) throws {
        let daemon = try RunningDaemon()
        #expect(try FileManager.default.attributesOfItem(atPath: daemon.socketPath)[.posixPermissions] as? Int == 0o666)
        #expect(try daemon.end(signal) == 0)
        #expect(!FileManager.default.fileExists(atPath: daemon.socketPath))
    }

    @Test func segmentsOfClientsComeBackAndRemovedOnesDoNot() throws {
        let first = try RunningDaemon()
        let client = try Client(first)
        try client.greet()
        for name in ["kept", "removed"] {
            let definition = SegmentDefinition(name: try Sample.name(name), byteCount: 65_536, mode: 0o640)
            guard case .created = try client.ask(.create(definition)) else {
                throw Unexpected(what: "\(name) isn't made")
            }
        }
        #expect(try client.ask(.remove(Sample.name("removed"))) == .removed)
        #expect(try first.end() == 0)
        _ = try first.folder.write("state/segments/broken.yaml", "size")
        let second = try RunningDaemon(in: first.folder)
        let reader = try Client(second)
        try reader.greet()
        guard case .list(let descriptions, _) = try reader.ask(.list(after: nil)) else {
            throw Unexpected(what: "nothing is listed")
        }
        #expect(try descriptions.map(\.name) == [Sample.name("default"), Sample.name("kept")])
        #expect(descriptions.map(\.mode) == [0o660, 0o640])
        #expect(try second.log.contains("segments/broken.yaml:1: the document is \"size\"; expected "))
    }

    @Test func reloadAppliesAGoodFileAndKeepsTheOldOneOverABadOne() throws {
        let daemon = try RunningDaemon(configuration: "segments: {default: {size: 64KiB}}")
        _ = try daemon.folder.write("c.yaml", "segments: {default: {size: 64KiB}, second: {size: 1}}")
        daemon.signal(SIGHUP)
        try waitUntil("the bad file is refused") {
            try daemon.log.contains("segments.second.size is \"1\"")
                && daemon.log.contains("; the configuration stays as it was")
        }
        _ = try daemon.folder.write("c.yaml", "segments: {default: {size: 64KiB}, second: {size: 64KiB}}")
        daemon.signal(SIGHUP)
        try waitUntil("the good file counts") { try daemon.log.contains("segment second is made") }
        try daemon.serves()
    }
}
