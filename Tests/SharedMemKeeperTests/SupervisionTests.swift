import Glibc
import LinuxIPC
import Testing

@testable import SharedMemKeeper

/// What a keeper does, as a table of events and effects; no process is involved.
@Suite struct SupervisionTests {
    /// A supervision and its clock.
    private struct Stage {
        var supervision: Supervision
        let start = SuspendingClock.now
        var milliseconds = 0

        init(watchdog: Duration? = .seconds(30), hasPast: Bool = false) {
            supervision = Supervision(limits: .init(watchdog: watchdog), hasPast: hasPast)
        }

        /// The effects of an event that comes `later` milliseconds after the last one, without the log's lines.
        mutating func handle(_ event: Supervision.Event, later: Int = 0) -> [Supervision.Effect] {
            milliseconds += later
            return supervision.handle(event, at: start + .milliseconds(milliseconds)).filter {
                if case .log = $0 { false } else { true }
            }
        }

        /// Begins, and lets a server become ready.
        mutating func serve() {
            #expect(handle(.begin) == [.start])
            #expect(handle(.started(pid: 7)).isEmpty)
            #expect(handle(.notified(Notification(isReady: true))).isEmpty)
        }

        /// How many milliseconds the next deadline is away; nil: there is none.
        var deadline: Int? {
            supervision.deadline.map { Int(($0 - start) / .milliseconds(1)) - milliseconds }
        }
    }

    @Test func serverThatDiesIsStartedAgainLaterEachTime() {
        var stage = Stage()
        stage.serve()
        for pause in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            #expect(stage.handle(.ended(.killed(SIGKILL)), later: 10).isEmpty)
            #expect(stage.deadline == pause)
            #expect(stage.handle(.timePassed, later: pause - 1).isEmpty)
            #expect(stage.handle(.timePassed, later: 1) == [.start])
            #expect(stage.handle(.started(pid: 8)).isEmpty)
        }
        #expect(stage.handle(.notified(Notification(isReady: true))).isEmpty)
        #expect(stage.handle(.ended(.exited(0)), later: 5000).isEmpty)
        #expect(stage.deadline == 100)
    }

    @Test(arguments: [64, 69, 78])
    func firstServerThatCannotServeIsFinal(code: Int32) {
        var stage = Stage()
        #expect(stage.handle(.begin) == [.start])
        #expect(stage.handle(.started(pid: 7)).isEmpty)
        #expect(stage.handle(.ended(.exited(code))) == [.end(code: code)])
        // Where descriptors are kept it isn't, nor after a server has served.
        stage = Stage(hasPast: true)
        #expect(stage.handle(.begin) == [.start])
        #expect(stage.handle(.started(pid: 7)).isEmpty)
        #expect(stage.handle(.ended(.exited(code))).isEmpty)
        #expect(stage.deadline == 100)
        stage = Stage()
        stage.serve()
        #expect(stage.handle(.ended(.exited(code))).isEmpty)
        #expect(stage.deadline == 100)
    }

    @Test func programThatCannotBeStartedIsFinalAtFirstOnly() {
        var stage = Stage()
        #expect(stage.handle(.begin) == [.start])
        #expect(stage.handle(.notStarted(.noMemory)) == [.end(code: 71)])
        stage = Stage()
        stage.serve()
        #expect(stage.handle(.ended(.killed(SIGKILL))).isEmpty)
        #expect(stage.handle(.timePassed, later: 100) == [.start])
        #expect(stage.handle(.notStarted(.noMemory)).isEmpty)
        #expect(stage.deadline == 200)
    }

    @Test func silenceIsAbortedAndThenKilled() {
        var stage = Stage()
        stage.serve()
        #expect(stage.handle(.notified(Notification(isAlive: true)), later: 20_000).isEmpty)
        #expect(stage.deadline == 30_000)
        // Other words are no sign of life.
        #expect(stage.handle(.notified(Notification(status: "well")), later: 20_000).isEmpty)
        #expect(stage.handle(.timePassed, later: 9_999).isEmpty)
        #expect(stage.handle(.timePassed, later: 1) == [.send(SIGABRT), .send(SIGCONT)])
        #expect(stage.handle(.timePassed, later: 9_999).isEmpty)
        #expect(stage.handle(.timePassed, later: 1) == [.send(SIGKILL)])
        #expect(stage.handle(.ended(.killed(SIGKILL))).isEmpty)
    }

    @Test func serverHasMoreTimeBeforeItIsReady() {
        var stage = Stage()
        #expect(stage.handle(.begin) == [.start])
        #expect(stage.handle(.started(pid: 7)).isEmpty)
        #expect(stage.deadline == 90_000)
        #expect(stage.handle(.notified(Notification(isAlive: true)), later: 80_000).isEmpty)
        #expect(stage.deadline == 90_000)
        stage = Stage(watchdog: nil)
        stage.serve()
        #expect(stage.deadline == nil)
    }

    @Test func serverMayAskToBeAborted() {
        var stage = Stage()
        stage.serve()
        #expect(stage.handle(.notified(Notification(asksForAbort: true))) == [.send(SIGABRT), .send(SIGCONT)])
        #expect(stage.handle(.notified(Notification(asksForAbort: true))).isEmpty)
    }

    @Test(arguments: [(ChildProcess.End.exited(0), Int32(0)), (.exited(3), 3), (.killed(SIGKILL), 137)])
    func endIsPassedOnAndTheServersCodeIsTheKeepers(end: ChildProcess.End, code: Int32) {
        var stage = Stage()
        stage.serve()
        #expect(stage.handle(.signalled(SIGTERM)) == [.send(SIGTERM), .send(SIGCONT)])
        #expect(stage.deadline == 30_000)
        // A second signal is passed on and gives no more time.
        #expect(stage.handle(.signalled(SIGINT), later: 1000) == [.send(SIGINT)])
        #expect(stage.deadline == 29_000)
        #expect(stage.handle(.timePassed, later: 29_000) == [.send(SIGKILL)])
        #expect(stage.handle(.ended(end)) == [.end(code: code)])
        #expect(stage.deadline == nil)
    }

    @Test func endWithoutAServerIsAtOnce() {
        var stage = Stage()
        stage.serve()
        #expect(stage.handle(.ended(.killed(SIGKILL))).isEmpty)
        #expect(stage.handle(.signalled(SIGTERM)) == [.end(code: 0)])
    }

    @Test func endIsStrongerThanAReplacement() {
        var stage = Stage()
        stage.serve()
        #expect(stage.handle(.signalled(SIGUSR2)) == [.send(SIGTERM), .send(SIGCONT)])
        #expect(stage.handle(.signalled(SIGTERM)) == [.send(SIGTERM)])
        #expect(stage.handle(.signalled(SIGUSR2)).isEmpty)
        #expect(stage.handle(.ended(.exited(0))) == [.end(code: 0)])
    }

    @Test func replacementFollowsTheServersEnd() {
        var stage = Stage()
        stage.serve()
        #expect(stage.handle(.signalled(SIGUSR2)) == [.send(SIGTERM), .send(SIGCONT)])
        #expect(stage.handle(.ended(.exited(0))) == [.replaceProgram])
        #expect(stage.handle(.notReplaced(.noSuchFileOrDirectory)) == [.start])
        #expect(stage.handle(.started(pid: 8)).isEmpty)
        #expect(stage.handle(.ended(.killed(SIGKILL))).isEmpty)
        #expect(stage.handle(.signalled(SIGUSR2)) == [.replaceProgram])
    }

    @Test func reloadWaitsUntilTheServerIsReady() {
        var stage = Stage()
        #expect(stage.handle(.begin) == [.start])
        #expect(stage.handle(.started(pid: 7)).isEmpty)
        #expect(stage.handle(.signalled(SIGHUP)).isEmpty)
        #expect(stage.handle(.notified(Notification(isReady: true))) == [.send(SIGHUP)])
        #expect(stage.handle(.notified(Notification(isReady: true))).isEmpty)
        #expect(stage.handle(.signalled(SIGHUP)) == [.send(SIGHUP)])
        #expect(stage.handle(.ended(.killed(SIGKILL))).isEmpty)
        // The next server reads what is there anyway.
        #expect(stage.handle(.signalled(SIGHUP)).isEmpty)
    }
}
