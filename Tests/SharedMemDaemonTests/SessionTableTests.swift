import Foundation
import LinuxIPC
import SharedMemBroker
import SharedMemDaemon
import SharedMemProtocol
import Testing

@Suite struct SessionTableTests {
    /// A state with something of everything, different for each number.
    private func state(_ number: UInt64) throws -> SavedState {
        let segments = try (1...2 as ClosedRange<UInt64>).map { index in
            SavedSegment(
                id: number &* 10 &+ index, generation: number,
                definition: SegmentDefinition(
                    name: try Sample.name("segment.\(number).\(index)"), byteCount: 1 << 30, entryCount: number,
                    mode: 0o640, owner: index == 1 ? 7 : nil, group: index == 2 ? .max - 1 : nil),
                dataByteCount: 1 << 30, lockByteCount: 123, createdAt: .max, isMadeByClient: index == 1,
                isConfigured: index == 2)
        }
        var sessions: [SavedSession] = []
        for index: UInt32 in 1...3 {
            let change = SavedSession.Change(requestID: 4, createdSegmentID: UInt64(index))
            let program = [UInt8](repeating: 0xc3, count: Int(index) * 20)
            let writable = [UInt64](0..<UInt64(index)).map { $0 + number }
            sessions.append(
                SavedSession(
                    id: index, token: SessionToken(high: number, low: .max - UInt64(index)),
                    process: ProcessIdentity(pid: Int32(index), mark: .max), uid: 1, gid: 2, since: 3,
                    program: program, writable: writable, lastChange: index == 1 ? nil : change,
                    isAbandoned: index == 3,
                    watches: [UInt64](1..<UInt64(index)).map {
                        SavedSession.Watch(segmentID: $0, words: WatchSet(stripes: number | 1 << 63, segment: $0 == 2))
                    }))
        }
        return SavedState(
            nextSessionID: 99, nextSegmentID: 98 &+ number, firstStartedAt: 97, restartCount: number,
            segments: segments, sessions: sessions)
    }

    /// What a table is whose file has these bytes.
    private func contents(_ file: borrowing MemoryFile) throws -> SessionTable.Contents {
        var contents = SessionTable.Contents.nothing
        let table = try SessionTable.adopting(
            MemoryFile(adopting: try file.descriptor.duplicated()), contents: &contents)
        _ = consume table
        return contents
    }

    /// Writes bytes at a place.
    private func write(_ bytes: ArraySlice<UInt8>, at offset: Int, to file: borrowing MemoryFile) throws {
        let count = unsafe bytes.withUnsafeBytes {
            unsafe pwrite(file.descriptor.rawValue, $0.baseAddress, $0.count, offset)
        }
        try #require(count == bytes.count)
    }

    @Test func stateIsReadAsItWasWritten() throws {
        for number in [0, 1, UInt64.max / 100] {
            let state = try state(number)
            #expect(SavedState(decoding: state.encoded()) == state)
        }
        let empty = SavedState(
            nextSessionID: 1, nextSegmentID: 1, firstStartedAt: 0, restartCount: 0, segments: [], sessions: [])
        #expect(SavedState(decoding: empty.encoded()) == empty)
    }

    @Test func stateCutShortAtAnyByteOrTooLongIsNone() throws {
        let bytes = try state(1).encoded()
        for length in 0..<bytes.count { #expect(SavedState(decoding: Array(bytes[..<length])) == nil) }
        #expect(SavedState(decoding: bytes + [0]) == nil)
    }

    @Test func stateWithAnyByteFlippedIsAnotherOneOrNone() throws {
        let state = try state(1)
        let bytes = state.encoded()
        for index in bytes.indices {
            for mask: UInt8 in [1, 0x80, 0xff] {
                var flipped = bytes
                flipped[index] ^= mask
                #expect(SavedState(decoding: flipped) != state)
            }
        }
    }

    @Test func newestStateIsTheOneThatIsLoaded() throws {
        var table = try SessionTable.create()
        #expect(try contents(table.file) == .nothing)
        for number in 1...5 as ClosedRange<UInt64> {
            try table.save(try state(number))
            let expected = try state(number)
            #expect(try contents(table.file) == .state(expected))
        }
        // Who takes it over goes on counting.
        var found = SessionTable.Contents.nothing
        var next = try SessionTable.adopting(
            MemoryFile(adopting: try table.file.descriptor.duplicated()), contents: &found)
        try next.save(try state(6))
        #expect(try contents(table.file) == .state(state(6)))
    }

    @Test func daemonKilledAfterAnyByteOfASaveLeavesTheOldStateOrTheNewOne() throws {
        var table = try SessionTable.create()
        try table.save(try state(1))
        try table.save(try state(2))
        let slot = SessionTable.save(try state(3), sequence: 3)
        let older = SessionTable.save(try state(1), sequence: 1)
        for isBackwards in [false, true] {
            try write(older.bytes[...], at: older.offset, to: table.file)
            var wasNew = false
            for step in slot.bytes.indices {
                let index = isBackwards ? slot.bytes.count - 1 - step : step
                try write(slot.bytes[index...index], at: slot.offset + index, to: table.file)
                let found = try contents(table.file)
                wasNew = try found == .state(state(3))
                let isOld = try found == .state(state(2))
                #expect(wasNew || isOld, "byte \(index)")
            }
            #expect(wasNew)
        }
    }

    @Test func saveInThePlaceOfTheNewestStateIsCaught() throws {
        // The seeded fault of the test above: both states in one slot.
        var table = try SessionTable.create()
        try table.save(try state(1))
        try table.save(try state(2))
        let slot = SessionTable.save(try state(3), sequence: 4)
        try write(slot.bytes[..<100], at: slot.offset, to: table.file)
        #expect(try contents(table.file) != .state(state(2)))
    }

    @Test func anyFlippedByteCostsTheNewestStateAlone() throws {
        var table = try SessionTable.create()
        try table.save(try state(1))
        try table.save(try state(2))
        let slot = SessionTable.save(try state(2), sequence: 2)
        for index in slot.bytes.indices {
            try write([slot.bytes[index] ^ 0x10], at: slot.offset + index, to: table.file)
            #expect(try contents(table.file) == .state(state(1)), "byte \(index)")
            try write(slot.bytes[index...index], at: slot.offset + index, to: table.file)
        }
        #expect(try contents(table.file) == .state(state(2)))
    }

    @Test func fileCutShortAnywhereGivesAStateThatWasSavedOrIsDamaged() throws {
        var table = try SessionTable.create()
        try table.save(try state(1))
        try table.save(try state(2))
        let newest = SessionTable.save(try state(2), sequence: 2)
        #expect(newest.offset == 0)
        for size in newest.bytes.indices {
            #expect(ftruncate(table.file.descriptor.rawValue, size) == 0)
            #expect(try contents(table.file) == (size == 0 ? .nothing : .damaged))
            try write(newest.bytes[...], at: newest.offset, to: table.file)
            #expect(try contents(table.file) == .state(state(2)))
        }
    }

    @Test func formatBeforeThisOneIsReadWithoutWatches() throws {
        var table = try SessionTable.create()
        try table.save(try state(1))
        let slot = SessionTable.save(try state(2), sequence: 2, version: 1)
        try write(slot.bytes[...], at: slot.offset, to: table.file)
        var expected = try state(2)
        #expect(expected.sessions.contains { !$0.watches.isEmpty })
        for index in expected.sessions.indices { expected.sessions[index].watches = [] }
        #expect(try contents(table.file) == .state(expected))
    }

    @Test func newerFormatIsNamed() throws {
        var table = try SessionTable.create()
        try table.save(try state(1))
        let slot = SessionTable.save(try state(2), sequence: 2, version: 9)
        try write(slot.bytes[...], at: slot.offset, to: table.file)
        #expect(try contents(table.file) == .newer(version: 9))
    }
}
