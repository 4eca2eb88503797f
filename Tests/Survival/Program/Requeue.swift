internal import ArgumentParser
internal import Glibc
internal import SharedMemStore
internal import TestSupport

/// Watchers beside processes that may only read, and that move whoever sleeps on a word away from it.
struct Requeue: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Watch beside hostile readers that wake, move and replace whoever sleeps; all must end on the last version.",
        discussion: """
            FUTEX_WAKE and FUTEX_REQUEUE work through a read-only mapping, so nobody can rely on being woken. Watchers \
            look for themselves after a second: that's how long they may be behind.
            """)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Bursts of 100 changes.")
    var bursts = 5

    @Option(help: "Hostile readers.")
    var readers = 2

    @Flag(help: "Watchers sleep until somebody wakes them, a fault that must then be found. Needs a debug build.")
    var patient = false

    @Option(help: "How long watchers may take until they know the last versions, in seconds.")
    var limit = 60

    @Option(help: "Seeds the random choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...2).contains(readers) else { throw ValidationError("--readers is 1 or 2, not \(readers)") }
        guard !patient || SeededFault.areBuiltIn else {
            throw ValidationError("--patient needs a debug build: a release build has no faults to seed")
        }
    }

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(socketPath: socket, segmentName: "requeue-\(getpid())", byteCount: 4 << 20)
        let crew = try WatchingCrew(scene, seed: seed, fault: nil, isPatient: patient)
        var hostile: [HostileReader] = []
        var longest: UInt64 = 0
        do {
            for number in 0..<readers {
                hostile.append(try HostileReader(scene, scene.row(number), seed: seed &* 10 &+ UInt64(number)))
            }
            for _ in 0..<bursts {
                crew.begin(100)
                try crew.expectDone(seconds: 60)
                longest = max(longest, try crew.expectLastVersions(seconds: limit))
                for reader in hostile { try reader.check() }
            }
        } catch {
            for reader in hostile { try reader.abandon() }
            try crew.disband()
            throw error
        }
        let rounds = hostile.reduce(0) { $0 + $1.roundCount }
        for reader in hostile { try reader.abandon() }
        try crew.disband()
        try scene.audit()
        try scene.remove()
        return "\(bursts) bursts beside \(readers) hostile readers, \(rounds) rounds through all words:"
            + " all know the last versions after \(longest / 1_000_000) ms at most"
    }
}
