internal import ArgumentParser
internal import Glibc
internal import SharedMemStore
internal import TestSupport

/// Kills writers at random moments, repairs what they leave, and judges everything that anybody saw.
struct Kills: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kill writers under load, repair the segment, check every round's history.",
        discussion: """
            4 writers set, delete and set two keys in a transaction, 4 readers get, in rounds of some milliseconds. \
            In each round two writers are killed with SIGKILL at random moments and replaced; this process takes \
            their lock word over and recovers the segment. Between rounds the segment is audited, and what all saw is \
            checked for linearisability.
            """)

    private static let killsInRound = 2
    /// The longest time from a start to a kill, in microseconds.
    private static let longestDelay: UInt64 = 2000

    @Option(help: "Writers to kill.")
    var kills = 500

    @Option(help: "Seeds the random choices of this process and of the workers.")
    var seed: UInt64 = 1

    @Option(
        help:
            "A fault to put in, which must then be found: \(KillsFault.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var fault: KillsFault?

    func validate() throws {
        guard (1...10_000_000).contains(kills) else {
            throw ValidationError("--kills is 1 to 10000000, not \(kills)")
        }
        guard fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--fault needs a debug build: a release build has no faults to seed")
        }
    }

    func run() throws {
        let crew = try Crew(killsInRound: Self.killsInRound, seed: seed, fault: fault)
        var sums = Sums()
        let start = ContinuousClock.now
        var failure: (any Error)?
        do {
            try work(crew, &sums)
        } catch {
            failure = error
        }
        try crew.disband()
        report(crew.tally, sums, ContinuousClock.now - start)
        if let failure {
            print("wrong: \((failure as? Wrong)?.description ?? "\(failure)")")
            throw ExitCode(1)
        }
        print(
            "\(crew.tally.killCount) writers killed, \(sums.roundCount) histories of \(sums.operationCount) operations: "
                + "0 torn reads, 0 acknowledged sets lost, 0 leaked blocks")
    }

    /// What was seen in all rounds.
    private struct Sums {
        var roundCount = 0
        var operationCount = 0
        var pendingCount = 0
    }

    private func work(_ crew: Crew, _ sums: inout Sums) throws {
        var random = SplitMix(seed: ~seed)
        var before = try KillWorker.keys.indices.map { try crew.register(of: $0) }
        while crew.tally.killCount < kills {
            let entries = try crew.round {
                for _ in 0..<min(Self.killsInRound, kills - crew.tally.killCount) {
                    usleep(UInt32(random.next() % Self.longestDelay))
                    try crew.killOne()
                }
                usleep(UInt32(random.next() % Self.longestDelay))
            }
            let after = try KillWorker.keys.indices.map { try crew.register(of: $0) }
            let history = try RoundHistory(entries, before: before, after: after)
            try history.check()
            sums.roundCount += 1
            sums.operationCount += history.operationCount
            sums.pendingCount += history.pendingCount
            before = after
        }
    }

    private func report(_ tally: Crew.Tally, _ sums: Sums, _ time: Duration) {
        let milliseconds = time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
        print("\(tally.killCount) writers killed in \(milliseconds) ms; \(tally.auditCount) audits")
        print(
            "\(tally.takeOverCount) died with the lock: \(tally.finishedCount) changes finished,"
                + " \(tally.undoneCount) undone, \(tally.nothingCount) times nothing was half-done")
        print(
            "\(sums.roundCount) histories linearisable: \(sums.operationCount) operations,"
                + " \(sums.pendingCount) of them cut short")
    }
}
