import Foundation
import LinuxIPC
import SharedMemProtocol
import SharedMemStore
import Testing

@Suite struct DeathTests {
    /// A daemon with a client that has the lock of `default` and has half-done a set.
    private final class Scene {
        let manager: TestServiceManager
        let owner: ClientProcess
        let other: ClientProcess
        let ownersFiles: AttachedFiles
        let othersFiles: AttachedFiles
        let ownersSession: Welcome
        let othersSession: Welcome

        init(wrapper: [String] = []) throws {
            manager = try TestServiceManager(configuration: "segments: {default: {size: 1MiB}, victim: {size: 64KiB}}")
            try manager.start(wrapper: wrapper)
            owner = try ClientProcess(path: manager.socketPath)
            other = try ClientProcess(path: manager.socketPath)
            ownersSession = try owner.greet()
            othersSession = try other.greet()
            ownersFiles = try owner.attach("default", as: ownersSession.session)
            othersFiles = try other.attach("default", as: othersSession.session)
            try othersFiles.put("key", "value")
        }

        deinit { manager.end() }

        /// Takes the lock in the owner's name.
        func lock() {
            let found = ownersFiles.withStore { $0.tryLock(at: 1_700_000_000_000_000_000) }
            #expect(found == 0)
        }

        /// Waits until the lock word is free.
        func waitUntilFree() throws {
            try waitUntil("the lock word is free") { self.othersFiles.lockWord & ~Store.waitersBit == 0 }
        }

        /// The session that the other client takes up again after a restart.
        func reconnect() throws {
            try other.hangUp()
            try other.connect()
            guard case .reconnected = try other.reconnect(othersSession) else {
                throw Unexpected(what: "the session can't be taken up again")
            }
        }
    }

    @Test(arguments: [
        [],
        [
            "/usr/bin/strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fstatfs", "-e",
            "inject=fstatfs:error=ENOSYS",
        ],
    ])
    func deadOwnersLockIsFreedAndTheLogSaysSo(wrapper: [String]) throws {
        let scene = try Scene(wrapper: wrapper)
        scene.lock()
        try scene.owner.kill()
        try scene.waitUntilFree()
        try scene.othersFiles.put("key", "newer")
        #expect(try scene.othersFiles.text("key") == "newer")
        try waitUntil("the log says so") {
            try scene.manager.log.contains("segment default: process \(scene.owner.process.pid)")
                && scene.manager.log.contains("died with the lock; nothing was half-done")
        }
        guard case .statistics(let statistics) = try scene.other.ask(.statistics) else {
            throw Unexpected(what: "no statistics")
        }
        #expect(statistics.repairCount == 1)
        #expect(statistics.pid == (wrapper.isEmpty ? try scene.manager.pid : statistics.pid))
        #expect(statistics.storedCount == 6 && statistics.storeLimit == 4096 && statistics.keptBy == .systemd)
        #expect(String(decoding: statistics.status, as: UTF8.self).hasPrefix("2 segments, "))
    }

    @Test func lockOfAnOwnerThatDiesWithTheDaemonIsFreedAfterTheRestart() throws {
        let scene = try Scene()
        scene.lock()
        try scene.manager.kill()
        try scene.owner.kill()
        #expect(scene.othersFiles.lockWord == scene.ownersSession.session)
        try scene.manager.start()
        try scene.waitUntilFree()
        #expect(try scene.othersFiles.text("key") == "value")
    }

    @Test func repairThatWasUnderWayIsDoneAgainThoughTheDeadOwnerHadHungUp() throws {
        let scene = try Scene()
        scene.lock()
        // A connection ends before its process does: the session is saved as abandoned meanwhile.
        try scene.owner.hangUp()
        try waitUntil("the owner is known to be abandoned") {
            guard case .sessions(let sessions, _) = try scene.other.ask(.sessions(after: nil)) else { return false }
            return sessions.first { $0.session == scene.ownersSession.session }?.state == .abandoned
        }
        try scene.manager.kill()
        try scene.owner.kill()
        scene.othersFiles.setLockWord(1 << 30)
        try scene.manager.start()
        try scene.waitUntilFree()
        #expect(try scene.othersFiles.text("key") == "value")
        #expect(scene.manager.names.contains("d1.1"))
    }

    @Test func lockOfALivingOwnerStaysOverARestart() throws {
        let scene = try Scene()
        scene.lock()
        try scene.manager.kill()
        try scene.manager.start()
        try scene.reconnect()
        _ = try scene.other.attach("default", as: scene.othersSession.session)
        guard case .holder(let holder) = try scene.other.ask(.whoHolds(segmentID: 1)) else {
            throw Unexpected(what: "nobody says who holds the lock")
        }
        #expect(holder.session == scene.ownersSession.session)
        #expect(holder.state == .restored)
        #expect(holder.pid == scene.owner.process.pid)
        #expect(holder.takenAt == 1_700_000_000_000_000_000)
        guard case .sessions(let sessions, _) = try scene.other.ask(.sessions(after: nil)) else {
            throw Unexpected(what: "nobody says who is there")
        }
        #expect(
            sessions.first { $0.session == scene.ownersSession.session }?.holdsSince == 1_700_000_000_000_000_000)
        // And its death is still seen.
        try scene.owner.kill()
        try scene.waitUntilFree()
    }

    @Test func ownerThatHangsUpAndLivesLosesTheSegmentToANewGeneration() throws {
        let scene = try Scene()
        scene.lock()
        try scene.ownersFiles.publish("key", "half-way")
        try scene.owner.hangUp()
        var holder: Holder?
        try waitUntil("the owner is known to be abandoned") {
            guard case .holder(let found) = try scene.other.ask(.whoHolds(segmentID: 1)) else { return false }
            holder = found
            return found.state == .replaced
        }
        #expect(holder?.session == scene.ownersSession.session)
        // Who attaches now is given the new generation, not before it's there.
        let files = try scene.other.attach("default", as: scene.othersSession.session)
        #expect(files.attachment.generation == 2)
        let value = try files.text("key")
        #expect(value == "half-way" || value == "value")
        try files.put("key", "new")
        // Its memory may be given back already, and then it can't even do this.
        do {
            try scene.ownersFiles.publish("key", "lost")
        } catch is StoreError {}
        #expect(try files.text("key") == "new")
        #expect(scene.othersFiles.withStore { Store.isRetired($0.lockWord) })
        try waitUntil("the old generation is given up") {
            Set(scene.manager.names) == ["table", "life", "d1.2", "l1.2", "d2.1", "l2.1"]
        }
        // The old one's memory is given back, and its owner is told to attach again.
        try waitUntil("the old generation's memory is given back") {
            try scene.ownersFiles.takenByteCount < 65_536
        }
        #expect(throws: (any Error).self) { try scene.ownersFiles.text("key") }
    }

    @Test func switchThatWasKilledBehindTheTableIsFinishedAtTheStart() throws {
        let scene = try Scene()
        let before = try ["d1.1", "l1.1"].map { ($0, try scene.manager.held($0)) }
        scene.othersFiles.setLockWord(0x1234_567)
        _ = try scene.other.ask(.whoHolds(segmentID: 1))
        let files = try scene.other.attach("default", as: scene.othersSession.session)
        try scene.manager.kill()
        // As if the daemon had died before it retired the old generation, which was still being used then.
        for (name, held) in before { scene.manager.keep(try held.descriptor.duplicated(), as: name) }
        scene.othersFiles.setLockWord(scene.othersSession.session)
        scene.othersFiles.setState(live: true)
        try scene.manager.start()
        try waitUntil("the old generation is given up") {
            Set(scene.manager.names) == ["table", "life", "d1.2", "l1.2", "d2.1", "l2.1"]
        }
        #expect(scene.othersFiles.withStore { Store.isRetired($0.lockWord) })
        #expect(throws: (any Error).self) { try scene.othersFiles.text("key") }
        #expect(try files.text("key") == "value")
    }

    @Test func deathDuringARequestOfEachKindLeavesTheDaemonWell() throws {
        let scene = try Scene()
        let victim = try Sample.name("victim")
        for request in try HostileClientTests.requests() {
            var request = request
            if case .remove = request { request = .remove(victim) }
            let client = try ClientProcess(path: scene.manager.socketPath)
            let welcome = try client.greet()
            _ = try client.attach("default", as: welcome.session)
            client.dieAsking(request)
        }
        try waitUntil("the dead are forgotten") {
            guard case .statistics(let statistics) = try scene.other.ask(.statistics) else { return false }
            return statistics.sessionCount == 2 && statistics.abandonedCount == 0
        }
        let bystander = try ClientProcess(path: scene.manager.socketPath)
        let welcome = try bystander.greet()
        #expect(try bystander.attach("default", as: welcome.session).text("key") == "value")
    }

    @Test func repairNeedsNoDescriptorThatConnectionsHaveTaken() throws {
        let scene = try Scene(wrapper: ["/bin/sh", "-c", "ulimit -n 64 && exec \"$@\"", "sh"])
        scene.lock()
        var crowd: [Client] = []
        for _ in 0..<80 { crowd.append(try Client(path: scene.manager.socketPath)) }
        try waitUntil("the log tells of the lack") {
            try scene.manager.log.contains("connections can't be accepted: ")
        }
        try scene.owner.kill()
        try scene.waitUntilFree()
        try scene.othersFiles.put("key", "newer")
        withExtendedLifetime(crowd) {}
    }

    @Test func lackOfMemoryRefusesTheSegmentAlone() throws {
        // The worker's third and later calls: the configured segments have two each.
        let scene = try Scene(wrapper: [
            "/usr/bin/strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fallocate", "-e",
            "inject=fallocate:error=ENOMEM:when=5+",
        ])
        let definition = SegmentDefinition(name: try Sample.name("large"), byteCount: 1 << 20)
        guard case .failure(let failure) = try scene.other.ask(.create(definition)) else {
            throw Unexpected(what: "a segment is made without memory")
        }
        #expect(failure.error == Errno.noMemory.rawValue)
        #expect(Set(scene.manager.names) == ["table", "life", "d1.1", "l1.1", "d2.1", "l2.1"])
        // Nor is a generation made, and the one that is there stays.
        scene.othersFiles.setLockWord(0x1234_567)
        guard case .holder = try scene.other.ask(.whoHolds(segmentID: 1)) else {
            throw Unexpected(what: "nobody says who holds the lock")
        }
        try waitUntil("the log says so") {
            try scene.manager.log.contains("generation 2 of segment default could not be made: ")
        }
        #expect(try scene.othersFiles.text("key") == "value")
    }

    @Test func wordThatNamesNobodyMovesTheSegmentAtTheNextQuestionAndAtAStart() throws {
        let scene = try Scene()
        scene.othersFiles.setLockWord(0x1234_567)
        guard case .holder(let holder) = try scene.other.ask(.whoHolds(segmentID: 1)) else {
            throw Unexpected(what: "nobody says who holds the lock")
        }
        #expect(holder.state == .replaced)
        let second = try scene.other.attach("default", as: scene.othersSession.session)
        #expect(second.attachment.generation == 2)
        #expect(try second.text("key") == "value")
        try scene.manager.kill()
        second.setLockWord(0x1234_567)
        try scene.manager.start()
        try scene.reconnect()
        let third = try scene.other.attach("default", as: scene.othersSession.session)
        #expect(third.attachment.generation == 3)
        #expect(try third.text("key") == "value")
    }

    @Test func pidOfAProcessIsTakenWhereSocketsDoNotGiveIt() throws {
        // Before Linux 6.5: SO_PEERCRED, SO_PEERGROUPS, then the option that isn't there, for each connection twice.
        let manager = try TestServiceManager(configuration: "segments: {default: {size: 1MiB}}")
        defer { manager.end() }
        try manager.start(wrapper: [
            "/usr/bin/strace", "-D", "-f", "-o", manager.folder.path + "/trace", "-e", "trace=getsockopt",
        ])
        let client = try ClientProcess(path: manager.socketPath)
        _ = try client.greet()
        let trace = try String(contentsOfFile: manager.folder.path + "/trace", encoding: .utf8)
        // The number of the call, as the kernel names the option: 0x4d or its name.
        let calls = trace.split(separator: "\n").filter { $0.contains("getsockopt(") }
        let index = try #require(
            calls.firstIndex { $0.contains("SO_PEERPIDFD") || $0.contains("0x4d") }, "\(trace)")
        try manager.kill()
        try manager.start(wrapper: [
            "/usr/bin/strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=getsockopt", "-e",
            "inject=getsockopt:error=ENOPROTOOPT:when=\(index + 1)",
        ])
        let other = try ClientProcess(path: manager.socketPath)
        let welcome = try other.greet()
        let files = try other.attach("default", as: welcome.session)
        #expect(files.withStore { $0.tryLock(at: 1) } == 0)
        try other.kill()
        try waitUntil("the lock word is free") { files.lockWord & ~Store.waitersBit == 0 }
    }
}
