import Foundation
import SharedMem
import SharedMemProtocol
import TestSupport
import Testing

/// Sessions whose connection ends, over a daemon whose every answer the test decides.
@Suite struct ReconnectionTests {
    let daemon: ScriptedDaemon

    init() throws { daemon = try ScriptedDaemon() }

    private var options: SegmentOptions {
        var options = SegmentOptions()
        options.byteCount = 1 << 20
        return options
    }

    @Test func requestNumbersCountUpwardsOverAllConnections() throws {
        let session = try Session(socketPath: daemon.socketPath)
        for _ in 0..<3 {
            _ = try session.segments()
            daemon.hangUp()
        }
        _ = try session.segments()
        let heard = daemon.with { $0.heard }
        // A greeting goes before the request that found the connection ended, and has a higher number.
        let numbers = heard.filter { $0.request.kind == .other }.map(\.requestID)
        #expect(heard.first?.requestID == 1)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(Set(heard.filter { $0.request.kind != .other }.map(\.requestID)).isDisjoint(with: numbers))
        #expect(heard.filter { $0.request.kind == .hello }.count == 1)
        #expect(Set(heard.map(\.connection)).count > 1)
    }

    @Test func changeWhoseReplyIsLostIsSentAgainWithItsNumberAndDoneOnce() throws {
        let session = try Session(socketPath: daemon.socketPath)
        daemon.with { $0.losesReply = { $0.kind == .create } }
        try session.create("other", options: options)
        daemon.with { $0.losesReply = { $0.kind == .remove } }
        try session.remove("other")
        let heard = daemon.with { $0.heard }
        let creations = heard.filter { $0.request.kind == .create }
        let removals = heard.filter { $0.request.kind == .remove }
        #expect(creations.count == 2 && creations[0].requestID == creations[1].requestID)
        #expect(removals.count == 2 && removals[0].requestID == removals[1].requestID)
        #expect(failure { try session.remove("other") } == .noSuchSegment)
        #expect(heard.filter { $0.request.kind == .reconnect }.count == 2)
    }

    /// Shows that the test above would notice another number.
    @Test func changeThatIsSentAgainAsAnotherOneIsRefused() throws {
        let session = try Session(socketPath: daemon.socketPath)
        try session.create("other", options: options)
        #expect(failure { try session.create("other", options: options) } == .exists)
    }

    @Test func forgottenSessionBeginsAnew() throws {
        let session = try Session(socketPath: daemon.socketPath)
        daemon.stop()
        try daemon.start(forgets: true)
        #expect(try session.segments().isEmpty)
        #expect(daemon.requests.map(\.kind) == [.hello, .reconnect, .hello, .other])
    }

    @Test func sessionOfAnotherProcessIsNotTakenUp() throws {
        let session = try Session(socketPath: daemon.socketPath)
        daemon.with { $0.tokens[1] = SessionToken(high: 99, low: 99) }
        daemon.hangUp()
        #expect(try session.segments().isEmpty)
        #expect(daemon.count(.hello) == 2)
    }

    @Test func requestWaitsForADaemonThatIsRestarted() throws {
        let session = try Session(socketPath: daemon.socketPath)
        session.graceTime = nil
        daemon.stop()
        let waiting = SecondThread { _ = try session.segments() }
        try daemon.start()
        try waiting.join()
        // The socket's file is gone for a while, as after an orderly end.
        daemon.stop()
        let hidden = daemon.socketPath + ".hidden"
        try FileManager.default.moveItem(atPath: daemon.socketPath, toPath: hidden)
        let again = SecondThread { _ = try session.segments() }
        try daemon.start()
        try again.join()
    }

    @Test func requestWaitsForAGreetingThatIsAnsweredLate() throws {
        let session = try Session(socketPath: daemon.socketPath)
        session.graceTime = nil
        daemon.with { $0.isSilent = true }
        daemon.stop()
        try daemon.start()
        let waiting = SecondThread { _ = try session.segments() }
        try wait { daemon.count(.reconnect) > 0 }
        // This greeting is never answered; the next one is.
        daemon.with { $0.isSilent = false }
        daemon.hangUp()
        try waiting.join()
    }

    @Test func requestGivesUpAfterTheGraceTime() throws {
        let session = try Session(socketPath: daemon.socketPath)
        daemon.stop()
        for grace in [Duration.zero, .milliseconds(120)] {
            session.graceTime = grace
            let start = ContinuousClock.now
            let error = try #require(error { try session.segments() })
            #expect(error.code == .notConnected && error.errno == ENOTCONN)
            #expect(error.description.contains(daemon.socketPath))
            #expect(ContinuousClock.now - start >= grace)
        }
        try daemon.start()
        session.graceTime = .seconds(60)
        #expect(try session.segments().isEmpty)
    }

    @Test func daemonThatNeverWasIsNotWaitedFor() throws {
        daemon.stop()
        #expect(failure { try Session(socketPath: daemon.socketPath) } == .notConnected)
        #expect(failure { try Segment.open("default", socketPath: daemon.socketPath) } == .notConnected)
    }

    @Test func graceTimeIsWhatWasSet() throws {
        let session = try Session(socketPath: daemon.socketPath)
        #expect(session.graceTime == .seconds(5))
        for grace in [nil, Duration.zero, .milliseconds(1), .seconds(3600)] {
            session.graceTime = grace
            #expect(session.graceTime == grace)
            #expect(try session.open("default").graceTime == grace)
        }
        session.graceTime = .seconds(-1)
        #expect(session.graceTime == .zero)
        session.graceTime = .seconds(Int64.max)
        #expect(session.graceTime == nil)
    }

    @Test func sessionsAndStatisticsAreTheDaemons() throws {
        let session = try Session(socketPath: daemon.socketPath)
        let name = try #require(SegmentName("default"))
        daemon.with { state in
            for number in 1...5 as ClosedRange<UInt32> {
                state.sessions.append(
                    SessionDescription(
                        session: number, state: number == 1 ? .abandoned : .connected, pid: 40 + Int32(number),
                        uid: 1000, since: 5, holdsSince: number == 2 ? 9 : 0, segmentID: number == 5 ? 0 : 1,
                        access: number == 5 ? nil : .readWrite, attachedCount: 1, segment: number == 5 ? nil : name,
                        program: Array("worker".utf8)))
            }
            state.statistics.restartCount = 3
            state.statistics.keptBy = .keeper
            state.statistics.version = Array("1.2.3".utf8)
            state.statistics.status = Array("serving".utf8)
        }
        let sessions = try session.sessions()
        #expect(sessions.map(\.sessionID) == [1, 2, 3, 4, 5])
        #expect(sessions.map(\.pid) == [41, 42, 43, 44, 45])
        #expect(sessions[0].state == .abandoned && sessions[0].program == "worker")
        #expect(sessions[1].holdsLockSinceNanoseconds == 9 && sessions[2].holdsLockSinceNanoseconds == nil)
        #expect(sessions[4].segment == nil && sessions[4].segmentID == nil && sessions[4].access == nil)
        #expect(sessions[0].segment == "default" && sessions[0].access == .readWrite)
        let statistics = try session.statistics()
        #expect(statistics.restartCount == 3 && statistics.keeper == .keeper)
        #expect(statistics.version == "1.2.3" && statistics.status == "serving")
    }
}

/// Waits until `condition` holds, 60 s at most.
func wait(until condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "60 s passed")
        usleep(1000)
    }
}
