import Foundation
import LinuxIPC
import SharedMemStore
import TestSupport
import Testing

@testable import SharedMemDaemon

/// The daemon's switch, stopped between any two steps, and what a daemon that starts then makes of it.
@Suite struct SwitchCrashTests {
    /// What outlives a daemon: the stored files, and the table.
    private struct Kept {
        let old: SegmentMemory
        let new: SegmentMemory
        /// Which generation the table says is current.
        var current: UInt64 = 1
    }

    /// How the lock word stands when the switch is begun.
    enum Beginning: CaseIterable {
        /// Nobody has it.
        case free
        /// A session has it that lives and goes on.
        case abandoned
        /// A dead one's change was being repaired.
        case unrepairable
    }

    private struct Crash: Error {}

    /// The steps in their order; throws after `limit` of them.
    private func run(_ kept: inout Kept, _ start: SwitchStart, limit: Int) throws {
        var count = 0
        func step() throws {
            count += 1
            if count > limit { throw Crash() }
        }
        try step()
        _ = try kept.old.move(to: kept.new, start)
        try step()
        kept.current = 2
        try step()
        try kept.old.withStore { (store, _) throws(StoreError) in store.retireState() }
        try step()
        try kept.old.retire()
        try step()
        try kept.old.punch()
        try step()
    }

    /// What a daemon does that starts: the table alone says which generation is current.
    private func restart(_ kept: inout Kept) throws -> SegmentMemory {
        if kept.current == 2 {
            try kept.old.retire()
            try kept.old.punch()
            return kept.new
        }
        switch try kept.old.lockHolder().state {
        case .retired: break
        case .recovering:
            do throws(SegmentMemory.Failure) {
                _ = try kept.old.repairAgain()
                return kept.old
            } catch {
                let fresh = try SegmentMemoryTests.make(generation: 2)
                kept = Kept(old: kept.old, new: fresh)
                try run(&kept, .held, limit: 100)
                return fresh
            }
        case .free, .owned: return kept.old
        }
        let fresh = try SegmentMemoryTests.make(generation: 2)
        kept = Kept(old: kept.old, new: fresh)
        try run(&kept, .taking(session: 0), limit: 100)
        return fresh
    }

    @Test(arguments: Beginning.allCases, 0..<8)
    func everyValueAndOneUsableGenerationSurvive(beginning: Beginning, limit: Int) throws {
        let old = try SegmentMemoryTests.make()
        var kept = Kept(old: old, new: try SegmentMemoryTests.make(generation: 2))
        let client = try SegmentMemoryTests.Client(old, session: 5)
        for key in 0..<10 as Range<UInt8> { try client.put(key, [key]) }
        let start: SwitchStart
        var version: UInt64 = 0
        switch beginning {
        case .free: start = .waiting(nanoseconds: 1_000_000)
        case .abandoned:
            try #require(client.lockWord())
            version = try client.set(0, [99])
            start = .taking(session: 5)
        case .unrepairable:
            try #require(client.lockWord())
            client.store.lock.store32(77, 192 + 56)
            #expect(throws: SegmentMemory.Failure.self) { try old.repair(5) }
            start = .held
        }
        do {
            try run(&kept, start, limit: limit)
        } catch {
            #expect(error is Crash)
        }
        let current = try restart(&kept)
        if beginning == .abandoned {
            // It is the daemon's to look for abandoned owners; this one has kept its word, or has lost it.
            let unlocked = client.store.unlock()
            #expect((unlocked == .lost) == (current !== old))
            if unlocked == .lost { #expect(client.store.wasTakenAlong(version)) }
        }
        let other = try SegmentMemoryTests.Client(current, session: 6)
        #expect(try other.value(0) == [beginning == .abandoned ? 99 : 0])
        for key in 1..<10 as Range<UInt8> { #expect(try other.value(key) == [key]) }
        try other.put(20, [20])
        if current !== old {
            #expect(throws: StoreError.retired) { try client.value(1) }
            #expect(!client.lockWord())
        } else {
            #expect(try client.value(20) == [20])
        }
    }

    /// A reader that is in the middle of the old generation while its memory is given back.
    @Test func readerBesideThePunchSeesWholeValuesOrIsToldToAttachAgain() throws {
        for round in 0..<60 {
            var kept = Kept(old: try SegmentMemoryTests.make(), new: try SegmentMemoryTests.make(generation: 2))
            let client = try SegmentMemoryTests.Client(kept.old, session: 5)
            for key in 0..<3 as Range<UInt8> {
                try client.put(key, [UInt8](repeating: key + 1, count: 20_000 + round))
            }
            let reader = client.store
            let isReading = DispatchSemaphore(value: 0)
            let reading = SecondThread {
                var buffer = [UInt8](repeating: 0, count: 65536)
                while true {
                    for key in 0..<3 as Range<UInt8> {
                        var target = buffer.mutableSpan
                        let info: ValueInfo?
                        do throws(StoreError) {
                            info = try unsafe [key].span.bytes.withUnsafeBytes { (key) throws(StoreError) in
                                try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
                                    unsafe try reader.get(key, into: buffer)
                                }
                            }
                        } catch {
                            guard reader.cause(of: error) == .retired else { throw error }
                            return
                        }
                        guard let info, buffer[..<info.byteCount].allSatisfy({ $0 == key + 1 }) else {
                            throw Torn()
                        }
                        isReading.signal()
                    }
                }
            }
            #expect(isReading.wait(timeout: .now() + 60) == .success)
            try run(&kept, .waiting(nanoseconds: 1_000_000_000), limit: 100)
            try reading.join()
            withExtendedLifetime(client) {}
        }
    }

    /// A value that isn't whole, or isn't there.
    private struct Torn: Error {}
}
