import Foundation
import LinuxIPC
import SharedMemBroker
import SharedMemDaemon
import SharedMemProtocol
import SharedMemStore
import Testing

/// What is kept with the service manager, and what can be wrong with it.
@Suite struct StoreTests {
    private static let configuration = "segments: {default: {size: 64KiB}}"

    /// A daemon with a value in `default`, then killed.
    private func killed() throws -> TestServiceManager {
        let manager = try TestServiceManager(configuration: Self.configuration)
        try manager.start()
        let client = try ClientProcess(path: manager.socketPath)
        let welcome = try client.greet()
        try client.attach("default", as: welcome.session).put("key", "value")
        try manager.kill()
        return manager
    }

    /// What `default` holds now.
    private func value(_ manager: TestServiceManager) throws -> String? {
        let client = try ClientProcess(path: manager.socketPath)
        let welcome = try client.greet()
        return try client.attach("default", as: welcome.session).text("key")
    }

    /// A memory file with some bytes.
    private func garbage(_ byteCount: Int) throws -> FileDescriptor {
        let file = try MemoryFile.create(label: "garbage")
        try file.descriptor.writeAll((0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        return try file.descriptor.duplicated()
    }

    @Test func descriptorsThatNobodyNamesAreReportedAndGivenUp() throws {
        let manager = try killed()
        defer { manager.end() }
        manager.keep(try garbage(100), as: "stored")
        manager.keep(try garbage(100), as: "d7.1")
        manager.keep(try garbage(100), as: "l9.3")
        // Made and never told to anybody: a generation of the segment that isn't the one that counts.
        manager.keep(try garbage(100), as: "d1.2")
        manager.keep(try garbage(100), as: "l1.2")
        try manager.start()
        #expect(try value(manager) == "value")
        try waitUntil("the rest is given up") { Set(manager.names) == ["table", "life", "d1.1", "l1.1"] }
        #expect(try manager.log.contains("descriptor \"stored\" is kept, but no daemon gives a descriptor that name"))
    }

    @Test func descriptorThatIsKeptTwiceIsReportedAndTheFirstCounts() throws {
        let manager = try killed()
        defer { manager.end() }
        manager.keep(try garbage(100), as: "d1.1")
        manager.keep(try garbage(100), as: "table")
        manager.keep(try garbage(100), as: "life")
        try manager.start()
        #expect(try value(manager) == "value")
        #expect(try manager.log.contains("descriptor d1.1 is kept more than once, ignoring"))
        #expect(try manager.log.contains("descriptor \"table\" is kept, but there is another one"))
        #expect(Set(manager.names) == ["table", "life", "d1.1", "l1.1"])
    }

    @Test(arguments: ["d1.1", "l1.1"])
    func segmentWithoutOneOfItsFilesIsMadeAnew(name: String) throws {
        let manager = try killed()
        defer { manager.end() }
        manager.giveUp(name)
        try manager.start()
        #expect(try value(manager) == nil)
        #expect(try manager.log.contains("the values of segment default are lost"))
        try waitUntil("the other file is given up") { Set(manager.names) == ["table", "life", "d2.1", "l2.1"] }
    }

    @Test func fileThatIsNotWhatItIsCalledIsNotBelieved() throws {
        let manager = try killed()
        defer { manager.end() }
        manager.giveUp("d1.1")
        manager.keep(try garbage(70_000), as: "d1.1")
        try manager.start()
        #expect(try value(manager) == nil)
        #expect(try manager.log.contains("descriptor \"d1.1\" is kept, but it can't be taken over: "))
    }

    @Test func damagedTableCostsTheSegmentsAndNotTheDaemon() throws {
        let manager = try killed()
        defer { manager.end() }
        let data = try manager.held("d1.1")
        manager.giveUp("table")
        manager.keep(try garbage(5000), as: "table")
        try manager.start()
        #expect(try value(manager) == nil)
        #expect(try manager.log.contains("the session table is damaged"))
        // Clients of the old one are told: its memory says so.
        let length = try Int(data.descriptor.status().byteCount)
        let mapping = try Mapping(
            of: MemoryFile(adopting: data.descriptor.duplicated()), byteCount: length, access: .readOnly,
            isPrivateToProcess: true)
        let old = try unsafe Store(readOnly: SharedBytes(mapping.baseAddress, byteCount: length))
        do throws(StoreError) {
            try old.checkState()
            Issue.record("the memory says that it's current")
        } catch {
            #expect(error == .removed)
        }
        _ = consume mapping
    }

    @Test func newerTableIsLeftToANewerDaemon() throws {
        let manager = try killed()
        defer { manager.end() }
        let table = try manager.held("table")
        let state = SavedState(
            nextSessionID: 1, nextSegmentID: 1, firstStartedAt: 1, restartCount: 1, segments: [], sessions: [])
        let slot = SessionTable.save(state, sequence: 1_000_001, version: SessionTable.version + 1)
        let count = unsafe slot.bytes.withUnsafeBytes {
            unsafe pwrite(table.descriptor.rawValue, $0.baseAddress, $0.count, slot.offset)
        }
        #expect(count == slot.bytes.count)
        let before = manager.names
        try manager.start(waits: false)
        #expect(try manager.reap() == .exited(78))
        #expect(
            try manager.log.hasSuffix(
                "<3>the session table has format 3, expected at most 2: a newer sharedmemd left it, and the segments "
                    + "that it names are kept for that one\n"))
        #expect(manager.names == before)
    }

    @Test func fullStoreRefusesCreationAndIsNotToldOfIt() throws {
        // The table, the life file, two files for each of two segments, and room for a new generation of one.
        let manager = try TestServiceManager(storeLimit: 8, configuration: Self.configuration)
        defer { manager.end() }
        try manager.start()
        let client = try ClientProcess(path: manager.socketPath)
        _ = try client.greet()
        let first = try client.ask(.create(SegmentDefinition(name: try Sample.name("first"), byteCount: 65_536)))
        #expect(first == .created(segmentID: 2))
        let second = SegmentDefinition(name: try Sample.name("second"), byteCount: 65_536)
        guard case .failure(let failure) = try client.ask(.create(second)) else {
            throw Unexpected(what: "a segment is made that can't be kept")
        }
        #expect(failure.error == Errno.noSpace.rawValue)
        #expect(failure.text.contains("6 descriptors are kept already, expected at most 8 "), "\(failure.text)")
        #expect(manager.names.count == 6)
        #expect(try client.ask(.remove(Sample.name("first"))) == .removed)
        #expect(try client.ask(.create(second)) == .created(segmentID: 4))
        #expect(Set(manager.names) == ["table", "life", "d1.1", "l1.1", "d4.1", "l4.1"])
    }

    @Test func segmentIsAnsweredForWhenTheServiceManagerHasIt() throws {
        let manager = try TestServiceManager(configuration: Self.configuration)
        defer { manager.end() }
        try manager.start()
        let maker = try Client(path: manager.socketPath)
        try maker.greet()
        let bystander = try Client(path: manager.socketPath)
        try bystander.greet()
        manager.holdBarriers(true)
        let definition = SegmentDefinition(name: try Sample.name("made"), byteCount: 65_536)
        try maker.send(Request.create(definition).encoded(requestID: 9))
        let before = manager.barrierCount
        try waitUntil("the daemon has asked for a barrier") {
            manager.barrierCount > before || manager.names.count == 6
        }
        // The loop goes on meanwhile.
        #expect(try bystander.ask(.list(after: nil)) != .removed)
        try maker.socket.setReceiveTimeout(milliseconds: 200)
        #expect(throws: (any Error).self) { try maker.reply() }
        manager.holdBarriers(false)
        try maker.socket.setReceiveTimeout(milliseconds: 60_000)
        #expect(try maker.reply() == .created(segmentID: 2))
    }

    @Test func withoutAStoreTheDaemonServesAndSaysWhatThatMeans() throws {
        let manager = try TestServiceManager(storeLimit: nil, configuration: Self.configuration)
        defer { manager.end() }
        try manager.start()
        #expect(try value(manager) == nil)
        #expect(
            try manager.log.contains("no service manager keeps descriptors (FDSTORE isn't set), so nothing survives "))
        try waitUntil("the status says so") { manager.told("; nothing survives the end of this process") }
        #expect(manager.names.isEmpty && manager.barrierCount == 0)
    }

    /// What the last file that came says of the daemon's life.
    private func lifeWord(_ received: inout Received) throws -> UInt32 {
        if received.descriptorCount == 1 { return try lifeWord(received.first.take()) }
        if received.descriptorCount == 2 { return try lifeWord(received.second.take()) }
        return try lifeWord(received.third.take())
    }

    /// What a file says of the daemon's life.
    private func lifeWord(_ file: consuming FileDescriptor?) throws -> UInt32 {
        guard let file else { throw Unexpected(what: "no life file") }
        let mapping = try Mapping(
            of: MemoryFile(adopting: file), byteCount: LifeFile.byteCount, access: .readOnly, isPrivateToProcess: true)
        return unsafe mapping.baseAddress.load(as: UInt32.self)
    }

    @Test func greetingBringsTheLifeFileWhichTellsOfTheDaemonsDeath() throws {
        let manager = try killed()
        defer { manager.end() }
        try manager.start()
        let name = try Sample.name("default")
        var words: [UInt32] = []
        for access in [nil, Access.readOnly, .readWrite] {
            let client = try Client(path: manager.socketPath)
            let hello = Hello(
                majors: 1...1, features: 0, program: [], attach: access.map { .init(segment: name, access: $0) })
            try client.send(Request.hello(hello).encoded(requestID: 1))
            var buffer = [UInt8](repeating: 0, count: 4096)
            var received = try client.socket.receive(into: &buffer)
            let expected = access == nil ? 1 : access == .readOnly ? 2 : 3
            #expect(received.descriptorCount == expected)
            words.append(try lifeWord(&received))
        }
        #expect(Set(words).count == 1)
        #expect(words[0] & 0x3fff_ffff == UInt32(try manager.pid))
        let life = try manager.held("life")
        try manager.kill()
        let word = try lifeWord(try life.descriptor.duplicated())
        #expect(word & LifeFile.diedBit != 0)
    }

    @Test func hundredSegmentsAreTakenOverAtOnce() throws {
        let segments = (1...100).map { "s\($0): {size: 64KiB}" }.joined(separator: ", ")
        let manager = try TestServiceManager(configuration: "segments: {\(segments)}")
        defer { manager.end() }
        try manager.start()
        // All of them behind few barriers.
        #expect(manager.names.count == 202)
        try manager.kill()
        let begin = ContinuousClock.now
        try manager.start()
        print(
            "start to READY with 100 segments taken over (debug, waiting in steps of 5 ms): \(ContinuousClock.now - begin)"
        )
        #expect(try manager.log.contains("took over 100 segments and 0 sessions"))
        #expect(manager.names.count == 202)
    }
}
