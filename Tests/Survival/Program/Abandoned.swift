internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import TestSupport

/// Plays the ways in which the lock word is left to somebody who won't give it back, one at a time.
struct Abandoned: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Leave the lock word in one of several ways; the next writer must get on as the case demands.",
        discussion: """
            detached: a session gives its attachment back while it has the lock word, and dies. kept-socket: a forked \
            child keeps the connection of a dead one open. forged: the word has an id that no session has. \
            closed-socket: a session closes its connection and goes on storing. namespaces: of two processes that are \
            both process 1 of their namespaces one dies and the other has the word; needs root. restarted: the daemon \
            is killed while a session has the word that doesn't connect again; needs --kill.
            """)

    /// A way.
    enum Way: String, ExpressibleByArgument, CaseIterable {
        case detached, forged, namespaces, restarted
        case keptSocket = "kept-socket"
        case closedSocket = "closed-socket"
    }

    @Argument(help: "The way: detached, kept-socket, forged, closed-socket, namespaces or restarted.")
    var way: Way

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "A command that kills the daemon and waits for the next one.")
    var kill: String?

    @Option(help: "How long the next writer may take, in seconds.")
    var limit = 30

    @Flag(help: "Free the word by force, a fault that must then be found in closed-socket, namespaces and restarted.")
    var rob = false

    func validate() throws {
        guard way != .restarted || kill != nil else { throw ValidationError("restarted needs --kill") }
    }

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(socketPath: socket, segmentName: "abandoned-\(getpid())", byteCount: 4 << 20)
        try scene.fill()
        let next = try Successor(scene, row: scene.row(0))
        defer { next.abandon() }
        let text =
            switch way {
            case .detached: try dies(scene, next, after: .detach)
            case .keptSocket: try dies(scene, next, after: .leaveChild)
            case .forged: try forged(scene, next)
            case .closedSocket: try closedSocket(scene, next)
            case .namespaces: try namespaces(scene, next)
            case .restarted: try restarted(scene, next)
            }
        try scene.expectFilling()
        try scene.audit()
        try scene.remove()
        return "\(way.rawValue): \(text)"
    }

    /// A holder does something first and then dies: its word is repaired in place.
    private func dies(_ scene: Scene, _ next: Successor, after command: Holder.Command) throws -> String {
        let holder = try Holder(scene, row: scene.row(1), .setting)
        defer { holder.abandon() }
        try holder.tell(command)
        next.begin(1)
        try holder.expect("nobody waits for the lock word") { holder.seesWaiter }
        let death = try holder.kill()
        let success = try next.expect(1, seconds: limit)
        guard success.found >= holder.lastNumber else {
            throw Finding("lost: the key has value \(success.found), \(holder.lastNumber) was set")
        }
        try scene.expectGeneration(1)
        return "the next writer has the lock \(Self.milliseconds(death, success.time)) ms after the death"
    }

    /// The word has an id that nobody has: a new generation.
    private func forged(_ scene: Scene, _ next: Successor) throws -> String {
        let forger = try Holder(scene, row: scene.row(1), .nothing)
        defer { forger.abandon() }
        try forger.tell(.forge)
        let start = SystemClock.monotonic()
        next.begin(1)
        let success = try next.expect(1, seconds: limit)
        try scene.expectGeneration(2)
        return "a new generation after \(Self.milliseconds(start, success.time)) ms"
    }

    /// The owner has closed its connection and goes on: a new generation, in which nothing of what it stores is seen.
    private func closedSocket(_ scene: Scene, _ next: Successor) throws -> String {
        let robber = rob ? try Holder(scene, row: scene.row(2), .nothing) : nil
        defer { robber?.abandon() }
        let holder = try Holder(scene, row: scene.row(1), .setting)
        defer { holder.abandon() }
        try holder.tell(.closeSocket)
        let start = SystemClock.monotonic()
        next.begin(1)
        try robber?.tell(.rob)
        let success = try next.expect(1, seconds: limit)
        for turn in 2...10 as ClosedRange<UInt64> {
            let before = holder.lastNumber
            try holder.expect("the abandoned owner doesn't go on") { holder.lastNumber > before + 100 }
            next.begin(turn)
            let found = try next.expect(turn, seconds: limit).found
            guard found == success.found else {
                throw Finding("an abandoned owner is still seen: its key has value \(found) after \(success.found)")
            }
        }
        try scene.expectGeneration(2)
        try holder.tell(.release)
        guard !holder.releasedOwnWord else { throw Finding("the abandoned owner gave a word back that was its own") }
        return "a new generation after \(Self.milliseconds(start, success.time)) ms"
    }

    /// Which of two processes with equal pids died is not mistaken.
    private func namespaces(_ scene: Scene, _ next: Successor) throws -> String {
        let robber = rob ? try Holder(scene, row: scene.row(3), .nothing) : nil
        defer { robber?.abandon() }
        let owner = try Holder(scene, row: scene.row(1), .keeping, isFirstOfNamespace: true)
        defer { owner.abandon() }
        let other = try Holder(scene, row: scene.row(2), .nothing, isFirstOfNamespace: true)
        defer { other.abandon() }
        guard owner.session != other.session else { throw Finding("two processes have the session \(owner.session)") }
        next.begin(1)
        try owner.expect("nobody waits for the lock word") { owner.seesWaiter }
        _ = try other.kill()
        try robber?.tell(.rob)
        // Long enough for a daemon that mistakes them.
        usleep(1_500_000)
        return try ownerKeepsItsLock(scene, owner, next)
    }

    /// A session that hasn't come back since the daemon was killed isn't robbed, and is repaired when it dies.
    private func restarted(_ scene: Scene, _ next: Successor) throws -> String {
        let robber = rob ? try Holder(scene, row: scene.row(2), .nothing) : nil
        defer { robber?.abandon() }
        let owner = try Holder(scene, row: scene.row(1), .keeping)
        defer { owner.abandon() }
        next.begin(1)
        try owner.expect("nobody waits for the lock word") { owner.seesWaiter }
        try Shell.run(kill ?? "false")
        try robber?.tell(.rob)
        // Long enough for the next writer to ask who has it.
        usleep(2_500_000)
        return try ownerKeepsItsLock(scene, owner, next)
    }

    /// The next writer gets the lock when the owner gives it back, not before, and again when the owner dies.
    private func ownerKeepsItsLock(_ scene: Scene, _ owner: Holder, _ next: Successor) throws -> String {
        guard !next.hasDone(1) else { throw Finding("the next writer has the lock while its owner lives") }
        try owner.tell(.release)
        _ = try next.expect(1, seconds: limit)
        guard owner.releasedOwnWord else { throw Finding("the owner's word was taken away from it") }
        try owner.tell(.take)
        next.begin(2)
        try owner.expect("nobody waits for the lock word") { owner.seesWaiter }
        let death = try owner.kill()
        let success = try next.expect(2, seconds: limit)
        try scene.expectGeneration(1)
        return "the next writer has the lock \(Self.milliseconds(death, success.time)) ms after the owner's death"
    }

    private static func milliseconds(_ start: UInt64, _ end: UInt64) -> UInt64 {
        end > start ? (end - start) / 1_000_000 : 0
    }
}
