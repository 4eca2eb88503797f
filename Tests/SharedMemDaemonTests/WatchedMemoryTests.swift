import LinuxIPC
import SharedMemStore
import Testing

@testable import SharedMemDaemon

/// What the daemon does to a generation for those who watch it, without a daemon.
@Suite(.serialized) struct WatchedMemoryTests {
    /// A generation of which stripes 0 and 2 and the segment are watched, and one who has it mapped.
    private func watched() throws -> (memory: SegmentMemory, client: SegmentMemoryTests.Client) {
        let memory = try SegmentMemoryTests.make()
        try memory.setWatched(NotifyWords(stripes: 5, segment: true))
        return (memory, try SegmentMemoryTests.Client(memory, session: 5))
    }

    @Test func deadWritersWatchersAreWokenAndListAgain() throws {
        let (memory, client) = try watched()
        try client.put(1, [1])
        var cursor = client.store.changeCursor()
        // It was told that somebody watches too late to note this in the ring, and has died before it told anybody.
        try memory.setWatched(NotifyWords())
        try client.put(1, [2])
        try memory.setWatched(NotifyWords(stripes: 5, segment: true))
        let sleepers = try [2, NotifyWords.segmentIndex].map { try Sleeper(on: $0, of: memory.data) }
        let before = WordsMoment(client.store)
        try memory.notifyWatchers()
        #expect(before.moved(client.store) == NotifyWords(stripes: 5, segment: true))
        for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
        var key = [UInt8](repeating: 0, count: 512)
        let read = unsafe key.withUnsafeMutableBytes { unsafe client.store.nextChange(after: &cursor, into: $0) }
        #expect(read == .listAgain)
    }

    @Test func watcherThatNobodyWakesSleepsOn() throws {
        // The seeded fault of the test above: the words move, and the sleepers are forgotten.
        let (memory, client) = try watched()
        let sleeper = try Sleeper(on: 2, of: memory.data, seconds: 1)
        let before = WordsMoment(client.store)
        try memory.withStore { (store, _) throws(StoreError) in _ = store.notify(everything: false) }
        #expect(before.moved(client.store) == NotifyWords(stripes: 5, segment: true))
        #expect(try sleeper.end() == .timedOut)
    }

    #if SHAREDMEM_TEST_HOOKS
        @Test func wordsThatAreNotMovedAreCaught() throws {
            let (memory, client) = try watched()
            let before = WordsMoment(client.store)
            SeededFault.ofThisProcess = .wakeLeftOut
            defer { SeededFault.ofThisProcess = nil }
            try memory.notifyWatchers()
            #expect(before.moved(client.store) == NotifyWords())
        }
    #endif

    @Test func restoredFlagsReplaceThoseThatWereFoundAndBothAreWoken() throws {
        let (memory, client) = try watched()
        let sleepers = try [0, 1, 2, NotifyWords.segmentIndex].map { try Sleeper(on: $0, of: memory.data) }
        let before = WordsMoment(client.store)
        try memory.restoreWatched(NotifyWords(stripes: 3))
        #expect(before.moved(client.store) == NotifyWords(stripes: 7, segment: true))
        #expect(client.store.watched == NotifyWords(stripes: 3))
        for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
    }

    @Test func endOfAGenerationWakesAllWords() throws {
        for isRemoval in [false, true] {
            let (memory, client) = try watched()
            try memory.setWatched(NotifyWords())
            let sleepers = try [0, 63, NotifyWords.segmentIndex].map { try Sleeper(on: $0, of: memory.data) }
            let before = WordsMoment(client.store)
            if isRemoval { try memory.markRemoved() } else { try memory.retire() }
            #expect(before.moved(client.store) == .all)
            for sleeper in sleepers { #expect(try sleeper.end() == .woken) }
            #expect(throws: isRemoval ? StoreError.removed : .retired) { try client.store.checkState() }
        }
    }
}
