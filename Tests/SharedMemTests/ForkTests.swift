import Foundation
import SharedMem
import TestSupport
import Testing

/// Processes that fork while they are attached.
@Suite struct ForkTests {
    let daemon: ScriptedDaemon

    init() throws { daemon = try ScriptedDaemon() }

    /// A child of the test that runs a command of the torture program.
    private func start(_ command: String, input: Pipe, output: Pipe) throws -> Process {
        let process = Process()
        process.executableURL = try DaemonProcess.program("sharedmem-torture")
        process.arguments = [command, "--socket", daemon.socketPath]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        return process
    }

    /// The child keeps no copy of its parent's connection, though it never calls the library.
    @Test func deathOfTheParentIsSeenThoughItsChildLives() throws {
        let (input, output) = (Pipe(), Pipe())
        let process = try start("forked-sleeper", input: input, output: output)
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let child = try #require(pid_t(line.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(daemon.with { $0.hangUpCount } == 0)
        kill(process.processIdentifier, SIGKILL)
        try wait { daemon.with { $0.hangUpCount } == 1 }
        #expect(kill(child, 0) == 0)
        try input.fileHandleForWriting.close()
        // The pipe ends with its last writer; Foundation, too, takes a process for ended when its children are.
        #expect(try output.fileHandleForReading.readToEnd() ?? Data() == Data())
        process.waitUntilExit()
    }

    @Test func childBeginsASessionOfItsOwn() throws {
        let (input, output) = (Pipe(), Pipe())
        let process = try start("fork", input: input, output: output)
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "child wrote over its own attachment; parent goes on\n")
        #expect(daemon.count(.hello) == 2)
        #expect(daemon.count(.reconnect) == 0)
    }

    /// With an older kernel as well, or a sandbox that doesn't know the call.
    @Test(arguments: [
        [],
        [
            "/usr/bin/strace", "-f", "-o", "/dev/null", "-e", "trace=futex_waitv", "-e",
            "inject=futex_waitv:error=ENOSYS",
        ],
    ])
    func childWatchesByItself(wrapper: [String]) throws {
        let served = try ServedSegment()
        let run = try TortureRun("forked-watcher", socketPath: served.socketPath, wrapper: wrapper)
        #expect(run == TortureRun(text: "child watched by itself; parent goes on\n", status: 0))
    }
}
