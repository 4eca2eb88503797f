import Foundation
import LinuxIPC
import Testing

/// Real processes: a keeper, and a server that the test commands.
@Suite struct KeeperTests {
    @Test func descriptorsComeBackWithTheirNamesAfterEveryDeath() throws {
        let keeper = try RunningKeeper()
        #expect(try keeper.ask("kept") == "nothing")
        for name in ["table", "d1.1", "l1.1"] { try keeper.ask("store \(name) content of \(name)") }
        for signal in [SIGKILL, SIGSEGV] {
            try keeper.replaceServer(with: signal)
            #expect(
                try keeper.ask("kept") == "table=content of table d1.1=content of d1.1 l1.1=content of l1.1")
        }
        try keeper.ask("remove d1.1")
        try keeper.ask("store d1.2 new")
        try keeper.replaceServer()
        #expect(try keeper.ask("kept") == "table=content of table l1.1=content of l1.1 d1.2=new")
    }

    @Test func sameFileOfTheSameNameIsKeptOnceAndTooManyAreRefused() throws {
        let keeper = try RunningKeeper("--limit", "2")
        #expect(try keeper.ask("variable FDSTORE") == "2")
        try keeper.ask("store a 1")
        try keeper.ask("again a")
        try keeper.ask("store b 2")
        try keeper.ask("store c 3")
        try keeper.waitForLog("<3>the descriptor c isn't kept: 2 are kept already, the most there may be")
        try keeper.replaceServer()
        #expect(try keeper.ask("kept") == "a=1 b=2")
    }

    @Test func barrierPassesWhenAllBeforeItIsDone() throws {
        let keeper = try RunningKeeper()
        #expect(try keeper.ask("barrier") == "passed")
    }

    @Test func datagramOfAnotherProcessIsRefused() throws {
        let keeper = try RunningKeeper()
        try sendAsStranger(to: keeper)
        try keeper.waitForLog("sent a notification and isn't the server, ignoring")
        try keeper.replaceServer()
        #expect(try keeper.ask("kept") == "nothing")
    }

    @Test func seededFaultInTheSendersCheckIsSeen() throws {
        let keeper = try RunningKeeper("--fault", "sender")
        try sendAsStranger(to: keeper)
        // The answer of the barrier comes behind what the stranger has sent.
        #expect(try keeper.ask("barrier") == "passed")
        try keeper.replaceServer()
        #expect(try keeper.ask("kept") == "stranger=foreign")
    }

    @Test func lastWordsOfAServerThatDiesCount() throws {
        #expect(try keptAfterLastWords() == "last=words")
    }

    @Test func seededFaultInTheLastWordsIsSeen() throws {
        #expect(try keptAfterLastWords("--fault", "last-words") == "nothing")
    }

    @Test func notificationThatCannotBeReadIsRefused() throws {
        let keeper = try RunningKeeper()
        for (notification, sentence) in [
            ("nonsense", "its line \"nonsense\" isn't NAME=VALUE"),
            ("FDSTOREREMOVE=1", "FDSTOREREMOVE=1 needs FDNAME="),
            ("READY=" + String(repeating: "1", count: 5000), "sent a notification that is too long"),
        ] {
            try keeper.ask("notify \(notification)")
            try keeper.waitForLog(sentence)
        }
        #expect(try keeper.ask("barrier") == "passed")
    }

    @Test func silentServerIsAbortedAndStartedAgain() throws {
        let keeper = try RunningKeeper("--watchdog", "1")
        let stopped = try keeper.serverPID
        #expect(try keeper.ask("variable WATCHDOG_USEC") == "1000000")
        try keeper.ask("store a 1")
        kill(stopped, SIGSTOP)
        try keeper.waitForLog("the server (pid \(stopped)) has been silent for 1.0 s, aborting it")
        try keeper.waitForLog("the server (pid \(stopped)) was ended by signal 6; it is started again in 100 ms")
        #expect(try keeper.ask("kept") == "a=1")
        let silent = try keeper.serverPID
        try keeper.ask("silence")
        try keeper.waitForLog("the server (pid \(silent)) was ended by signal 6")
        #expect(try keeper.ask("kept") == "a=1")
    }

    @Test func reloadIsPassedOn() throws {
        let keeper = try RunningKeeper()
        keeper.signal(SIGHUP)
        try waitUntil("SIGHUP has reached the server") { try keeper.ask("reloads") == "1" }
    }

    /// Stores and dies while the keeper is stopped, so that it finds the datagram and the death at once.
    private func keptAfterLastWords(_ options: String...) throws -> String {
        let keeper = try options.isEmpty ? RunningKeeper() : RunningKeeper(options[0], options[1])
        let server = try keeper.serverPID
        keeper.signal(SIGSTOP)
        try waitUntil("the keeper has stopped") { try RunningKeeper.status(of: keeper.pid, "State").hasPrefix("T") }
        try keeper.ask("store last words")
        kill(server, SIGKILL)
        try waitUntil("the server is dead") { try RunningKeeper.status(of: server, "State").hasPrefix("Z") }
        keeper.signal(SIGCONT)
        try waitUntil("the server is reaped") { kill(server, 0) != 0 }
        return try keeper.ask("kept")
    }

    /// Lets another process of the same user send a descriptor.
    private func sendAsStranger(to keeper: RunningKeeper) throws {
        let stranger = Process()
        stranger.executableURL = URL(filePath: try RunningKeeper.program("sharedmem-keeper-peer"))
        stranger.arguments = ["stranger"]
        stranger.environment = ["NOTIFY_SOCKET": keeper.notificationPath]
        try stranger.run()
        stranger.waitUntilExit()
        #expect(stranger.terminationStatus == 0)
    }
}
