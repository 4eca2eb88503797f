import Foundation
import LinuxIPC
import Testing

/// How a keeper and its server end, and how they go on.
@Suite struct KeeperEndTests {
    @Test(arguments: [SIGTERM, SIGINT])
    func signalEndsBothAndLeavesNoPath(signal: Int32) throws {
        let keeper = try RunningKeeper()
        let server = try keeper.serverPID
        keeper.signal(signal)
        // The test's server knows SIGTERM alone, so SIGINT ends it as a signal does.
        #expect(try keeper.end() == (signal == SIGTERM ? 0 : 128 + SIGINT))
        #expect(kill(server, 0) != 0)
        #expect(!FileManager.default.fileExists(atPath: keeper.socketPath))
        #expect(!FileManager.default.fileExists(atPath: keeper.notificationPath))
    }

    @Test func serverEndsWhenItsKeeperIsKilled() throws {
        let keeper = try RunningKeeper()
        let server = try keeper.serverPID
        keeper.signal(SIGKILL)
        try waitUntil("the server is gone") {
            try kill(server, 0) != 0 || RunningKeeper.status(of: server, "State").hasPrefix("Z")
        }
    }

    @Test(arguments: [64, 69, 78])
    func firstServerThatCannotServeEndsTheKeeperWithItsCode(code: Int32) throws {
        let keeper = try RunningKeeper("--exit", "\(code)", waits: false)
        #expect(try keeper.end() == code)
        #expect(!FileManager.default.fileExists(atPath: keeper.socketPath))
        #expect(try keeper.log.contains("ended with exit code \(code)\n"))
    }

    @Test func serverThatFailsOtherwiseIsStartedAgainAndAgainLaterEachTime() throws {
        let keeper = try RunningKeeper("--exit", "1", waits: false)
        for pause in ["100 ms", "200 ms", "400 ms", "800 ms"] {
            try keeper.waitForLog("ended with exit code 1; it is started again in \(pause)")
        }
        keeper.signal(SIGTERM)
        #expect(try keeper.end() == 0 || keeper.end() == 1)
    }

    @Test func serverThatHasServedIsStartedAgainWhateverItsCode() throws {
        let keeper = try RunningKeeper()
        let first = try keeper.serverPID
        _ = try keeper.ask("exit 78")
        try keeper.waitForLog("the server (pid \(first)) ended with exit code 78; it is started again in 100 ms")
        #expect(try keeper.serverPID != first)
    }

    @Test func socketNeverRefusesWhileServersAreKilled() throws {
        let keeper = try RunningKeeper()
        try keeper.ask("store a 1")
        let load = Load(path: keeper.socketPath)
        for _ in 0..<5 {
            try load.waitForAnswers(50)
            try keeper.replaceServer()
        }
        #expect(try load.stop().refusals.isEmpty)
        #expect(try keeper.ask("kept") == "a=1")
        // The load sees a refusal where there is one.
        keeper.signal(SIGTERM)
        #expect(try keeper.end() == 0)
        #expect(try !Load(path: keeper.socketPath).stop().refusals.isEmpty)
    }

    @Test func replacedKeeperLosesNothing() throws {
        let keeper = try RunningKeeper(isCopy: true)
        try keeper.ask("store a 1")
        try keeper.ask("store b 2")
        for _ in 0..<3 {
            let old = try keeper.serverPID
            let program = keeper.folder + "/peer"
            try FileManager.default.copyItem(atPath: program, toPath: program + ".new")
            try FileManager.default.removeItem(atPath: program)
            try FileManager.default.moveItem(atPath: program + ".new", toPath: program)
            let load = Load(path: keeper.socketPath)
            keeper.signal(SIGUSR2)
            try waitUntil("the program is the new one") {
                // Until then the kernel says that it's deleted.
                try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(keeper.pid)/exe").hasSuffix("/peer")
            }
            try waitUntil("the old server is gone") { kill(old, 0) != 0 }
            #expect(try keeper.ask("kept") == "a=1 b=2")
            #expect(try load.stop().refusals.isEmpty)
        }
        keeper.signal(SIGTERM)
        #expect(try keeper.end() == 0)
        #expect(!FileManager.default.fileExists(atPath: keeper.socketPath))
    }

    @Test func keeperWhoseSuccessorCannotRunGoesOn() throws {
        let keeper = try RunningKeeper(isCopy: true)
        for number in 0..<20 { try keeper.ask("store d\(number) \(number)") }
        let kept = (0..<20).map { "d\($0)=\($0)" }.joined(separator: " ")
        let program = keeper.folder + "/peer"
        try FileManager.default.removeItem(atPath: program)
        try Data("no program".utf8).write(to: URL(filePath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        for _ in 0..<2 {
            let descriptors = try descriptors(of: keeper)
            let old = try keeper.serverPID
            keeper.signal(SIGUSR2)
            try waitUntil("the old server is gone") { kill(old, 0) != 0 }
            #expect(try keeper.ask("kept") == kept)
            #expect(try keeper.log.contains("<3>the program can't be replaced: Exec format error (ENOEXEC)"))
            #expect(try self.descriptors(of: keeper) == descriptors)
        }
        #expect(try keeper.ask("barrier") == "passed")
        keeper.signal(SIGTERM)
        #expect(try keeper.end() == 0)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func rootGivesItsRightsUp() throws {
        let keeper = try RunningKeeper("--user", "nobody")
        for pid in [keeper.pid, try keeper.serverPID] {
            #expect(try !RunningKeeper.status(of: pid, "Uid").split(separator: "\t").contains("0"))
            #expect(try RunningKeeper.status(of: pid, "CapPrm") == "0000000000000000")
            #expect(try RunningKeeper.status(of: pid, "NoNewPrivs") == "1")
        }
        try keeper.replaceServer()
        keeper.signal(SIGTERM)
        #expect(try keeper.end() == 0)
        #expect(!FileManager.default.fileExists(atPath: keeper.socketPath))
    }

    /// What each descriptor of a keeper leads to.
    private func descriptors(of keeper: RunningKeeper) throws -> [String: String] {
        let folder = "/proc/\(keeper.pid)/fd"
        var targets: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            targets[name] = try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
        }
        return targets
    }
}
