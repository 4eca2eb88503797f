import Glibc
import SharedMemBroker
import SharedMemProtocol

extension History {
    /// Starts another daemon with what was saved; some segments and processes are gone.
    mutating func restart() {
        let state = broker.savedState
        let gone = random.happens(percent: 30) ? 20 : 0
        let segmentIDs = state.segments.map(\.id).filter { _ in !random.happens(percent: gone) }
        let owners = Set(state.sessions.map(\.process)).sorted { $0.pid < $1.pid }
        let living = Set(owners.filter { _ in !random.happens(percent: gone) })
        processes = processes.filter { living.contains($0.key) }
        broker = Self.broker(startedAt: 1 + state.restartCount + 1)
        let pinned = witness.pinned
        play(.restored(state, living: living, kept: Set(segmentIDs)))
        for (segmentID, sessions) in pinned.sorted(by: { $0.key < $1.key }) where segmentIDs.contains(segmentID) {
            for session in sessions.sorted() { play(.pinFound(segmentID: segmentID, session: session)) }
        }
        words = words.filter { segmentIDs.contains($0.key) }
        for (segmentID, word) in words.sorted(by: { $0.key < $1.key }) {
            play(.ownerFound(segmentID: segmentID, owner: word.owner))
        }
        play(.configured(configuration()))
        for saved in state.sessions where random.happens(percent: 50) && living.contains(saved.process) {
            comeBack(saved)
        }
    }

    /// Takes a session up again, and attaches to what it could write.
    mutating func comeBack(_ saved: SavedSession) {
        connect(saved.process)
        let peer = PeerID(rawValue: peerCount)
        var requests = [
            Request.reconnect(Reconnect(majors: 1...1, features: 1, session: saved.id, token: saved.token))
        ]
        for id in saved.writable {
            guard let name = witness.segments[id]?.name else { continue }
            requests += [.attach(name, .readWrite), .whoHolds(segmentID: id)]
        }
        for request in requests where witness.peers[peer] != nil {
            requestCount += 1
            play(.received(peer, requestID: requestCount, request))
        }
    }

    /// Takes a lock word, for a session that may or for anybody, or gives it back, or spoils a segment.
    mutating func touchWord() {
        let made = witness.segments.filter(\.value.isMade).keys.sorted()
        guard !made.isEmpty else { return }
        let segmentID = random.pick(made)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<60: takeWord(segmentID)
        case 60..<70: words[segmentID] = (UInt32.random(in: 1..<70, using: &random), time)
        case 70..<97: words[segmentID] = nil
        default: play(.spoiled(segmentID: segmentID))
        }
    }

    /// Takes a lock word for a session that may write the segment, connected or not.
    mutating func takeWord(_ segmentID: UInt64) {
        let writers = witness.tenants.filter { $0.value.writable.contains(segmentID) }.keys.sorted()
        if !writers.isEmpty { words[segmentID] = (random.pick(writers), random.pick([0, time, time - 50_000_000])) }
    }

    /// Reports that a segment's memory was made, or wasn't.
    mutating func settle(_ segmentID: UInt64) {
        guard !random.happens(percent: 10) else {
            play(.memoryFailed(segmentID: segmentID, error: ENOMEM, reason: "no memory"))
            return
        }
        let asked = witness.segments[segmentID]?.saved.definition.byteCount ?? 1
        play(
            .memoryMade(
                segmentID: segmentID, dataByteCount: max(asked, 4096),
                lockByteCount: random.happens(percent: 3) ? 1 << 22 : 8192, createdAt: time))
    }

    /// Reports that a segment's generation was made, or wasn't.
    mutating func settle(_ segmentID: UInt64, _ generation: UInt64) {
        guard !random.happens(percent: 10) else {
            play(.generationFailed(segmentID: segmentID, error: ENOMEM, reason: "no memory"))
            return
        }
        words[segmentID] = nil
        let old = witness.segments[segmentID]?.saved
        play(
            .generationMade(
                segmentID: segmentID, generation: generation, dataByteCount: old?.dataByteCount ?? 4096,
                lockByteCount: old?.lockByteCount ?? 8192, createdAt: time))
    }

    /// Plays an event that fits nothing.
    mutating func stray() {
        let stranger = PeerID(rawValue: peerCount + 1000)
        let known = witness.segments.filter(\.value.isMade).keys.sorted().first ?? 1 << 40
        let process = ProcessIdentity(pid: -1, mark: 0)
        play(
            random.pick([
                .hungUp(stranger), .pinFailed(stranger, segmentID: known), .died(process),
                .received(stranger, requestID: 1, .list(after: nil)),
                .memoryMade(segmentID: known, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .memoryMade(segmentID: 1 << 41, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .memoryFailed(segmentID: known, error: EIO, reason: "stray"),
                .generationMade(
                    segmentID: known, generation: 1 << 40, dataByteCount: 1, lockByteCount: 1, createdAt: 1),
                .generationFailed(segmentID: 1 << 41, error: EIO, reason: "stray"), .spoiled(segmentID: 1 << 41),
                .ownerFound(segmentID: 1 << 41, owner: 7), .pinFound(segmentID: 1 << 41, session: 7),
            ]))
    }
}
