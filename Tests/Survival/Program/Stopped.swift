internal import ArgumentParser
internal import Glibc
internal import SharedMem
internal import TestSupport

/// Stops a writer that has the lock word: it is never robbed, and who waits learns whom it waits for.
struct Stopped: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop a writer that has the lock word: readers go on, writers are told who has it and get on later.")

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Flag(help: "Free the word by force, a fault that must then be found.")
    var rob = false

    func run() throws {
        print(try Finding.reported { try play() })
    }

    private func play() throws -> String {
        let scene = try Scene(socketPath: socket, segmentName: "stopped-\(getpid())", byteCount: 4 << 20)
        try scene.fill()
        let next = try Successor(scene, row: scene.row(0))
        defer { next.abandon() }
        let robber = rob ? try Holder(scene, row: scene.row(2), .nothing) : nil
        defer { robber?.abandon() }
        let holder = try Holder(scene, row: scene.row(1), .keeping)
        defer { holder.abandon() }
        next.begin(1)
        try holder.expect("nobody waits for the lock word") { holder.seesWaiter }
        try holder.process.send(SIGSTOP)
        try robber?.tell(.rob)
        try read(scene)
        let sentence = try timeOut(scene, of: holder)
        guard !next.hasDone(1) else { throw Finding("a writer has the lock while its stopped owner lives") }
        try holder.process.send(SIGCONT)
        try holder.tell(.release)
        _ = try next.expect(1, seconds: 60)
        guard holder.releasedOwnWord else { throw Finding("a stopped owner's word was taken away from it") }
        try scene.expectGeneration(1)
        try scene.expectFilling()
        try scene.remove()
        return "a stopped owner: \(sentence)"
    }

    /// Readers go on.
    private func read(_ scene: Scene) throws(Finding) {
        let segment = try call("opening the segment read-only") { () throws(SharedMemError) in
            try Segment.open(scene.segmentName, access: .readOnly, socketPath: socket)
        }
        let tag = Payload.tag(client: 999, key: 7)
        for _ in 0..<10_000 {
            let value = try call("a get beside a stopped writer") { () throws(SharedMemError) in
                try segment.get(Payload.name(tag))
            }
            guard let value, try Payload.number(of: value, tag: tag) == 7 else {
                throw Finding("lost: a value beside a stopped writer")
            }
        }
    }

    /// A writer is told who has the lock word; returns the sentence.
    private func timeOut(_ scene: Scene, of holder: Holder) throws(Finding) -> String {
        let segment = try call("opening the segment") { () throws(SharedMemError) in
            try Segment.open(scene.segmentName, socketPath: socket)
        }
        segment.lockTimeoutMilliseconds = 2500
        do throws(SharedMemError) {
            try segment.set("beside", to: [1])
        } catch {
            guard error.code == .lockTimeout, error.errno == ETIMEDOUT else {
                throw Finding("a set beside a stopped writer failed otherwise than by ETIMEDOUT: \(error)")
            }
            let sentence = error.description
            guard sentence.contains("\(holder.pid)"), sentence.contains("survival") else {
                throw Finding("the sentence doesn't name process \(holder.pid) and 'survival': \(sentence)")
            }
            return sentence
        }
        throw Finding("a set went on although the lock word's owner is stopped")
    }
}
