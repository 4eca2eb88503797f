import Foundation
import LinuxIPC
import SharedMemProtocol
import SharedMemStore
import Testing

/// Flags and notify words of a running daemon's segments, as its clients bring them about.
@Suite struct WatchTests {
    /// A daemon with two clients that are attached to `default`, each with a mapping.
    private final class Scene {
        let manager: TestServiceManager
        let first: ClientProcess
        let second: ClientProcess
        let welcomes: [Welcome]
        let files: AttachedFiles

        init() throws {
            manager = try TestServiceManager(configuration: "segments: {default: {size: 1MiB}}")
            try manager.start()
            first = try ClientProcess(path: manager.socketPath)
            second = try ClientProcess(path: manager.socketPath)
            welcomes = [try first.greet(), try second.greet()]
            files = try first.attach("default", as: welcomes[0].session)
            _ = try second.attach("default", as: welcomes[1].session)
        }

        deinit { manager.end() }

        /// What the flags say.
        var flags: NotifyWords { files.withStore { $0.watched } }

        /// The words as they are now.
        func words() -> WordsMoment { files.withStore { WordsMoment($0) } }

        /// The words that have moved.
        func moved(since moment: WordsMoment) -> NotifyWords { files.withStore { moment.moved($0) } }

        /// Somebody who sleeps on a word of the generation that was attached first.
        func sleeper(on index: Int, seconds: UInt64 = 60) throws -> Sleeper {
            try Sleeper(on: index, of: files.dataFile, seconds: seconds)
        }
    }

    /// A request about the first segment.
    private func words(_ stripes: UInt64, segment: Bool = false, generation: UInt64 = 1) -> WatchRequest {
        WatchRequest(segmentID: 1, generation: generation, words: WatchSet(stripes: stripes, segment: segment))
    }

    @Test func flagsAreThereBehindTheReplyAndGoneBehindTheOther() throws {
        let scene = try Scene()
        #expect(scene.flags == NotifyWords())
        #expect(try scene.first.ask(.watch(words(5))) == .watched)
        #expect(scene.flags == NotifyWords(stripes: 5))
        #expect(try scene.second.ask(.watch(words(1 << 63 | 4, segment: true))) == .watched)
        #expect(scene.flags == NotifyWords(stripes: 1 << 63 | 5, segment: true))
        #expect(try scene.first.ask(.unwatch(words(.max, segment: true))) == .unwatched)
        #expect(scene.flags == NotifyWords(stripes: 1 << 63 | 4, segment: true))
        // What a writer has spoiled is put right by whoever watches next.
        scene.files.withStore { $0.setWatched(NotifyWords()) }
        #expect(try scene.second.ask(.watch(words(4))) == .watched)
        #expect(scene.flags == NotifyWords(stripes: 1 << 63 | 4, segment: true))
        #expect(try scene.second.ask(.unwatch(words(.max, segment: true))) == .unwatched)
        #expect(scene.flags == NotifyWords())
    }

    @Test func flagsGoWithTheLastWatcherThatIsKilledOrHangsUpOrDetaches() throws {
        let scene = try Scene()
        let third = try ClientProcess(path: scene.manager.socketPath)
        let welcome = try third.greet()
        _ = try third.attach("default", as: welcome.session)
        #expect(try scene.first.ask(.watch(words(1))) == .watched)
        #expect(try scene.second.ask(.watch(words(3))) == .watched)
        #expect(try third.ask(.watch(words(7, segment: true))) == .watched)
        try third.kill()
        try waitUntil("the dead watcher's flags are gone") { scene.flags == NotifyWords(stripes: 3) }
        try scene.second.hangUp()
        try waitUntil("the other's flags are gone, too") { scene.flags == NotifyWords(stripes: 1) }
        #expect(try scene.first.ask(.detach(segmentID: 1)) == .detached)
        #expect(scene.flags == NotifyWords())
    }

    @Test func restartKnowsExactlyWhatTheLivingWatch() throws {
        let scene = try Scene()
        #expect(try scene.first.ask(.watch(words(5))) == .watched)
        #expect(try scene.second.ask(.watch(words(1 << 63, segment: true))) == .watched)
        try scene.manager.kill()
        try scene.second.kill()
        // As if the daemon had been killed before it took the flag of stripe 1 away, and before it set that of stripe 2.
        scene.files.withStore { $0.setWatched(NotifyWords(stripes: 1 << 63 | 3, segment: true)) }
        let before = scene.words()
        let sleepers = try [0, 1, 2, 63, NotifyWords.segmentIndex].map { try scene.sleeper(on: $0) }
        try scene.manager.start()
        #expect(scene.flags == NotifyWords(stripes: 5))
        #expect(scene.moved(since: before) == NotifyWords(stripes: 1 << 63 | 7, segment: true))
        for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
        // The session finds what it watched, before it has attached again.
        try scene.first.hangUp()
        try scene.first.connect()
        guard case .reconnected = try scene.first.reconnect(scene.welcomes[0]) else {
            throw Unexpected(what: "the session can't be taken up again")
        }
        #expect(scene.flags == NotifyWords(stripes: 5))
        #expect(try scene.first.ask(.unwatch(words(1))) == .unwatched)
        #expect(scene.flags == NotifyWords(stripes: 4))
        try scene.first.kill()
        try waitUntil("the flags are gone") { scene.flags == NotifyWords() }
    }

    @Test func tableThatIsDamagedLeavesTheFlagsAndWakesEverybody() throws {
        let scene = try Scene()
        #expect(try scene.first.ask(.watch(words(5, segment: true))) == .watched)
        try scene.manager.kill()
        scene.manager.giveUp("table")
        let garbage = try MemoryFile.create(label: "garbage")
        try garbage.descriptor.writeAll([UInt8](repeating: 7, count: 5000))
        scene.manager.keep(try garbage.descriptor.duplicated(), as: "table")
        let before = scene.words()
        let sleeper = try scene.sleeper(on: 2)
        try scene.manager.start()
        #expect(scene.flags == NotifyWords(stripes: 5, segment: true))
        #expect(scene.moved(since: before) == .all)
        #expect(try sleeper.end() == .woken)
        #expect(throws: StoreError.removed) { try scene.files.withStore { try $0.checkState() } }
    }

    @Test(arguments: [false, true]) func deadWriterWakesWhoWatches(hasLock: Bool) throws {
        let scene = try Scene()
        #expect(try scene.first.ask(.watch(words(5))) == .watched)
        let sleepers = try [0, 2].map { try scene.sleeper(on: $0) }
        let bystander = try scene.sleeper(on: 1, seconds: 1)
        let before = scene.words()
        if hasLock { scene.files.setLockWord(scene.welcomes[1].session) }
        try scene.second.kill()
        for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
        #expect(scene.moved(since: before) == NotifyWords(stripes: 5))
        #expect(try bystander.end() == .timedOut)
    }

    @Test func deathThatTheDaemonDoesNotSeeWakesNobody() throws {
        // The seeded fault of the test above: the daemon does nothing.
        let scene = try Scene()
        #expect(try scene.first.ask(.watch(words(5))) == .watched)
        let pid = try scene.manager.pid
        kill(pid, SIGSTOP)
        defer { kill(pid, SIGCONT) }
        let sleeper = try scene.sleeper(on: 2, seconds: 1)
        let before = scene.words()
        try scene.second.kill()
        #expect(try sleeper.end() == .timedOut)
        #expect(scene.moved(since: before) == NotifyWords())
    }

    @Test func removalWakesEverybody() throws {
        let scene = try Scene()
        #expect(try scene.first.ask(.watch(words(5))) == .watched)
        let sleepers = try [2, 7, NotifyWords.segmentIndex].map { try scene.sleeper(on: $0) }
        let before = scene.words()
        #expect(try scene.second.ask(.remove(try Sample.name("default"))) == .removed)
        #expect(scene.moved(since: before) == .all)
        for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
        #expect(throws: StoreError.removed) { try scene.files.withStore { try $0.checkState() } }
        guard case .failure(let failure) = try scene.first.ask(.watch(words(1))) else {
            throw Unexpected(what: "a segment is watched that was removed")
        }
        #expect(failure.error == Errno.identifierRemoved.rawValue)
        #expect(try scene.first.ask(.unwatch(words(5))) == .unwatched)
    }

    @Test func moveToANewGenerationWakesEverybodyAndIsWatchedAnew() throws {
        let scene = try Scene()
        #expect(try scene.first.ask(.watch(words(5, segment: true))) == .watched)
        let sleepers = try [2, 7, NotifyWords.segmentIndex].map { try scene.sleeper(on: $0) }
        let before = scene.words()
        scene.manager.holdBarriers(true)
        scene.files.setLockWord(0x1234_567)
        _ = try scene.second.ask(.whoHolds(segmentID: 1))
        for generation: UInt64 in [1, 2] {
            guard case .failure(let failure) = try scene.first.ask(.watch(words(1, generation: generation))) else {
                throw Unexpected(what: "a segment is watched that moves")
            }
            #expect(failure.error == Errno.stale.rawValue)
        }
        scene.manager.holdBarriers(false)
        let next = try scene.first.attach("default", as: scene.welcomes[0].session)
        #expect(next.attachment.generation == 2)
        #expect(scene.moved(since: before) == .all)
        for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
        #expect(next.withStore { $0.watched } == NotifyWords())
        guard case .failure(let failure) = try scene.first.ask(.watch(words(1))) else {
            throw Unexpected(what: "an old generation is watched")
        }
        #expect(failure.error == Errno.stale.rawValue)
        #expect(try scene.first.ask(.watch(words(2, generation: 2))) == .watched)
        #expect(next.withStore { $0.watched } == NotifyWords(stripes: 2))
    }
}
