import Foundation
import SharedMemBroker
import SharedMemDaemon
import SharedMemProtocol
import Testing

/// A machine with 1 GiB and a few accounts.
enum Sample {
    static let memory: UInt64 = 1 << 30

    static let accounts = accounts(sharedGroup: 990)

    static func accounts(sharedGroup: UInt32?) -> Accounts {
        Accounts(
            uid: { (name) throws(Accounts.Unanswered) -> UInt32? in
                if name == "unreachable" { throw Accounts.Unanswered(reason: "Connection refused (ECONNREFUSED)") }
                return ["root": 0, "alice": 1000, "bob": 1001][name]
            },
            gid: { (name) throws(Accounts.Unanswered) -> UInt32? in
                if name == "sharedmem" { return sharedGroup }
                return ["root": 0, "developers": 2000][name]
            })
    }

    static func read(_ text: String, accounts: Accounts = accounts) throws(ConfigurationError) -> Configuration {
        var reader = ConfigurationReader(file: "c.yaml", accounts: accounts, memory: memory)
        return try reader.read(text)
    }

    static func name(_ text: String) throws -> SegmentName {
        try #require(SegmentName(text))
    }
}

@Suite struct ConfigurationTests {
    @Test func shippedFileSaysTheBuiltInValues() throws {
        let shipped = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../config/sharedmemd.yaml").standardized
        let text = try String(contentsOf: shipped, encoding: .utf8)
        #expect(try Sample.read(text) == Configuration(sharedGroup: 990))
        // Every option is there, not left out: one that differs would be seen.
        for option in [
            "socket", "state-directory", "log-level", "memory-limit", "connections-per-user", "creators", "segments",
            "    size", "    entries", "    owner", "    group", "    mode",
        ] {
            #expect(text.split(separator: "\n").contains { $0.hasPrefix("\(option):") }, "\(option)")
        }
        let changed = text.replacing("connections-per-user: 1024", with: "connections-per-user: 1023")
        #expect(try Sample.read(changed) != Configuration(sharedGroup: 990))
    }

    @Test(arguments: ["", "# nothing\n", "{}"])
    func emptyDocumentsMeanTheBuiltInValues(text: String) throws {
        #expect(try Sample.read(text) == Configuration(sharedGroup: 990))
    }

    @Test func everyOptionIsRead() throws {
        let read = try Sample.read(
            """
            socket: /tmp/s
            state-directory: /tmp/d
            log-level: debug
            memory-limit: 512MiB
            connections-per-user: 7
            creators:
              users: [alice, 1234]
              groups: [developers, sharedmem]
            segments:
              a.b_c-1:
                size: 64KiB
              web:
                size: 1 MiB
                entries: 100
                owner: bob
                group: 2001
                mode: "0640"
            """)
        var expected = Configuration(sharedGroup: 0)
        expected.socketPath = "/tmp/s"
        expected.stateDirectory = "/tmp/d"
        expected.logLevel = .debug
        expected.memoryLimit = .bytes(512 << 20)
        expected.connectionsPerUser = 7
        expected.creators = .init(users: [1000, 1234], groups: [2000, 990])
        expected.segments = [
            SegmentDefinition(name: try Sample.name("a.b_c-1"), byteCount: 65_536, mode: 0o600, owner: 0, group: 0),
            SegmentDefinition(
                name: try Sample.name("web"), byteCount: 1 << 20, entryCount: 100, mode: 0o640, owner: 1001,
                group: 2001),
        ]
        #expect(read == expected)
    }

    @Test(arguments: [("0660", 0o660), ("\"0660\"", 0o660), ("660", 0o660), ("0", nil), ("0000", 0), ("0o660", nil)])
    func modesAreOctalHoweverTheyAreWritten(text: String, mode: UInt32?) throws {
        let document = "segments: {a: {size: 1MiB, mode: \(text)}}"
        if let mode {
            #expect(try Sample.read(document).segments.map(\.mode) == [mode])
        } else {
            #expect(throws: ConfigurationError.self) { try Sample.read(document) }
        }
    }

    @Test func noSegmentsArePossible() throws {
        #expect(try Sample.read("segments: {}").segments.isEmpty)
    }

    @Test func missingSharedGroupIsTheGroupOfRootWithOneWarning() throws {
        for text in ["", "segments: {a: {size: 1MiB, group: sharedmem}, b: {size: 1MiB, group: sharedmem}}"] {
            var reader = ConfigurationReader(
                file: "c.yaml", accounts: Sample.accounts(sharedGroup: nil), memory: Sample.memory)
            let read = try reader.read(text)
            #expect(read.segments.allSatisfy { $0.group == 0 })
            #expect(
                reader.warnings == [
                    "the group \"sharedmem\" doesn't exist; its segments belong to the group of root"
                ])
        }
    }

    @Test func memoryLimitIsBytesOrAPartOfTheMemory() throws {
        #expect(try Sample.read("memory-limit: 1%").memoryLimit.byteCount(ofMemory: 1000) == 10)
        #expect(try Sample.read("memory-limit: 100%").memoryLimit.byteCount(ofMemory: 1000) == 1000)
        #expect(try Sample.read("memory-limit: 64KiB\nsegments: {}").memoryLimit.byteCount(ofMemory: 1000) == 65_536)
    }

    @Test func brokerGetsWhatItNeeds() throws {
        let configuration = try Sample.read("memory-limit: 50%\nconnections-per-user: 3\ncreators: {users: [alice]}")
        #expect(
            configuration.forBroker(ofMemory: Sample.memory)
                == Broker.Configuration(
                    segments: configuration.segments, memoryLimit: Sample.memory / 100 * 50, connectionsPerUser: 3,
                    creators: .init(users: [1000], groups: [])))
    }

    @Test func reloadKeepsWhatNeedsARestartAndNamesIt() throws {
        let running = try Sample.read("socket: /tmp/s\nlog-level: info")
        let read = try Sample.read("socket: /tmp/t\nstate-directory: /tmp/d\nlog-level: debug\nsegments: {}")
        #expect(running.optionsNeedingRestart(toBecome: read) == ["socket", "state-directory"])
        #expect(running.optionsNeedingRestart(toBecome: running).isEmpty)
        let kept = read.keepingWhatNeedsRestart(of: running)
        #expect(kept.socketPath == "/tmp/s")
        #expect(kept.stateDirectory == running.stateDirectory)
        #expect(kept.logLevel == .debug)
        #expect(kept.segments.isEmpty)
    }
}
