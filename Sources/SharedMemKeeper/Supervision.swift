internal import Glibc
internal import LinuxIPC
internal import SharedMemDaemon

/// Decides when a server is started, signalled and given up: a plain value, told the time, without a system call.
struct Supervision: Sendable {
    /// A moment; time during which the machine sleeps doesn't count.
    typealias Time = SuspendingClock.Instant

    /// What the server is wanted for.
    private enum Aim { case serve, end, replace }

    /// What there is.
    private enum State: Sendable {
        /// No server; one is about to be started.
        case starting
        /// A server.
        case running(Server)
        /// No server until then.
        case pausing(until: Time)
        /// No server any more.
        case over
    }

    /// The times that count.
    let limits: Limits
    private var state = State.starting
    private var aim = Aim.serve
    private var backOff = BackOff()
    /// Whether a server has ever served, or what earlier ones stored is kept: then no failure is final.
    private var hasServed: Bool

    /// Begins without a server; `hasPast`: what earlier servers stored is kept.
    init(limits: Limits, hasPast: Bool) {
        self.limits = limits
        hasServed = hasPast
    }

    /// Decides what follows from an event.
    mutating func handle(_ event: Event, at now: Time) -> [Effect] {
        switch event {
        case .begin: return [.start]
        case .started(let pid):
            state = .running(Server(pid: pid, startedAt: now, heardAt: now))
            return [.log(.info, "the server (pid \(pid)) is started")]
        case .notStarted(let error): return pauseOrGiveUp("the server can't be started: \(error)", code: 71, at: now)
        case .notReplaced(let error):
            aim = .serve
            state = .starting
            return [.log(.error, "the program can't be replaced: \(error); the one that runs goes on"), .start]
        case .ended(let end): return ended(end, at: now)
        case .notified(let notification): return notified(notification, at: now)
        case .signalled(let signal): return signalled(signal, at: now)
        case .timePassed: return timePassed(at: now)
        }
    }

    /// When `.timePassed` is due, nil: never.
    var deadline: Time? {
        switch state {
        case .pausing(let until): until
        case .running(let server): server.killedAt ?? limits.silence(of: server).map { server.heardAt + $0 }
        case .starting, .over: nil
        }
    }
}

extension Supervision {
    /// Says how the server ended, and goes on as was wanted.
    private mutating func ended(_ end: ChildProcess.End, at now: Time) -> [Effect] {
        guard case .running(let server) = state else { return [] }
        let sentence = "the server (pid \(server.pid)) \(end.words)"
        switch aim {
        case .end:
            state = .over
            return [.log(.notice, sentence), .end(code: end.exitCode)]
        case .replace:
            state = .starting
            return [.log(.notice, "\(sentence); the program is replaced"), .replaceProgram]
        case .serve:
            let code: Int32? = if case .exited(let code) = end, Self.isFinal(code) { code } else { nil }
            return pauseOrGiveUp(sentence, code: code, served: server.readyAt.map { now - $0 }, at: now)
        }
    }

    /// Waits before the next start; gives up with `code` if no server has ever served.
    private mutating func pauseOrGiveUp(
        _ sentence: String, code: Int32?, served: Duration? = nil, at now: Time
    ) -> [Effect] {
        if let code, !hasServed {
            state = .over
            return [.log(.error, sentence), .end(code: code)]
        }
        guard aim != .end else {
            state = .over
            return [.log(.notice, sentence), .end(code: 0)]
        }
        let pause = backOff.pause(afterServing: served)
        state = .pausing(until: now + pause)
        return [.log(.error, "\(sentence); it is started again in \(pause.words)")]
    }

    /// Whether a server that ends with this code would do so again: wrong usage, a socket or a configuration that can't
    /// be used.
    private static func isFinal(_ code: Int32) -> Bool { [64, 69, 78].contains(code) }

    /// Notes what the server says.
    private mutating func notified(_ notification: Notification, at now: Time) -> [Effect] {
        guard case .running(var server) = state else { return [] }
        var effects: [Effect] = []
        if notification.isAlive || notification.isReady { server.heardAt = now }
        if notification.isReady {
            hasServed = true
            if server.readyAt == nil { server.readyAt = now }
            if server.isReloadOwed { effects.append(.send(SIGHUP)) }
            server.isReloadOwed = false
        }
        if let status = notification.status { effects.append(.log(.debug, "the server says: \(status)")) }
        state = .running(server)
        return notification.asksForAbort ? effects + abort("asks to be aborted", at: now) : effects
    }

    /// Passes a signal on, or makes it the aim.
    private mutating func signalled(_ signal: Int32, at now: Time) -> [Effect] {
        switch signal {
        case SIGHUP:
            // Before it is ready the signal would end the server.
            guard case .running(var server) = state else { return [] }
            if server.readyAt != nil { return [.send(SIGHUP)] }
            server.isReloadOwed = true
            state = .running(server)
            return []
        case SIGUSR2:
            guard aim != .end else { return [] }
            aim = .replace
            return stop(with: SIGTERM, at: now)
        default:
            aim = .end
            return stop(with: signal, at: now)
        }
    }

    /// Lets the server end, or goes on at once where there is none.
    private mutating func stop(with signal: Int32, at now: Time) -> [Effect] {
        switch state {
        case .running(var server):
            // A second request doesn't give it more time.
            if server.isStopping { return [.send(signal)] }
            server.isStopping = true
            server.killedAt = now + limits.stop
            state = .running(server)
            return [.send(signal), .send(SIGCONT)]
        case .pausing where aim == .replace:
            state = .starting
            return [.replaceProgram]
        case .pausing:
            state = .over
            return [.end(code: 0)]
        case .starting, .over: return []
        }
    }

    /// Aborts the server; it gets SIGCONT too, for a stopped process doesn't die of SIGABRT.
    private mutating func abort(_ reason: String, at now: Time) -> [Effect] {
        guard case .running(var server) = state, server.killedAt == nil else { return [] }
        server.killedAt = now + limits.abort
        state = .running(server)
        return [.log(.error, "the server (pid \(server.pid)) \(reason)"), .send(SIGABRT), .send(SIGCONT)]
    }

    /// Does what is due.
    private mutating func timePassed(at now: Time) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        switch state {
        case .pausing:
            state = .starting
            return [.start]
        case .running(var server) where server.killedAt != nil:
            server.killedAt = now + limits.abort
            state = .running(server)
            return [.log(.error, "the server (pid \(server.pid)) doesn't end, killing it"), .send(SIGKILL)]
        case .running(let server):
            let silence = limits.silence(of: server) ?? .zero
            return abort("has been silent for \(silence.words), aborting it", at: now)
        case .starting, .over: return []
        }
    }
}
