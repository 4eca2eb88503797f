import Foundation
import SharedMem
import SharedMemCodable
import TestSupport
import Testing

/// `Codable` values in a segment, against a daemon of this build.
@Suite struct SegmentCodableTests {
    private let daemon: DaemonProcess

    init() throws {
        daemon = try DaemonProcess(
            configuration: """
                memory-limit: 64MiB
                segments:
                  default:
                    size: 64KiB
                    mode: "0666"
                """)
    }

    private func open(_ access: Segment.Access = .readWrite) throws(SharedMemError) -> Segment {
        try Segment.open("default", access: access, socketPath: daemon.socketPath)
    }

    /// A value with all shapes of JSON in it.
    private struct Inventory: Codable, Equatable {
        struct Server: Codable, Equatable {
            var host: String
            var port: Int
            var weight: Double?
        }

        var servers: [Server]
        var limits: [String: UInt64]
        var isOpen: Bool
        var since: Date
    }

    private static let inventory = Inventory(
        servers: [.init(host: "größer.example", port: 80, weight: 0.1), .init(host: "", port: -1, weight: nil)],
        limits: ["bytes": .max, "none": 0], isOpen: true, since: Date(timeIntervalSinceReferenceDate: 0.5))

    /// What `body` throws.
    private func error<Result>(_ body: () throws(CodableError) -> Result) -> CodableError? {
        do throws(CodableError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: What comes back

    @Test func valueComesBackAsItWas() throws {
        let version = try open().set("key", encoding: Self.inventory)
        let reader = try open(.readOnly)
        #expect(try reader.get("key", decoding: Inventory.self) == Self.inventory)
        #expect(try reader.metadata("key")?.version == version)
        #expect(try reader.metadata("key")?.type == .json)
        #expect(ValueType.json.rawValue == 4)
        #expect(try reader.get("other", decoding: Inventory.self) == nil)
    }

    @Test func singleValuesComeBack() throws {
        let segment = try open()
        try segment.set("key", encoding: 41)
        #expect(try segment.string("key") == "41")
        #expect(try segment.get("key", decoding: Int.self) == 41)
        try segment.set("key", encoding: "text")
        #expect(try segment.get("key", decoding: String.self) == "text")
        try segment.set("key", encoding: [Int]())
        #expect(try segment.get("key", decoding: [Int].self) == [])
        try segment.set("key", encoding: Int?.none)
        #expect(try segment.string("key") == "null")
        #expect(try segment.get("key", decoding: Int?.self) == .some(nil))
    }

    @Test func jsonThatSomebodyElseWroteIsRead() throws {
        let segment = try open()
        try segment.set("text", to: #"{"host": "a", "port": 1, "more": []}"#)
        try segment.set("bytes", to: Array(#"{"port":1,"host":"a"}"#.utf8))
        for key in ["text", "bytes"] {
            #expect(try segment.get(key, decoding: Inventory.Server.self) == .init(host: "a", port: 1, weight: nil))
        }
    }

    @Test func codersOfTheCallerAreUsed() throws {
        let segment = try open()
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        encoder.dateEncodingStrategy = .iso8601
        decoder.dateDecodingStrategy = .iso8601
        let date = Date(timeIntervalSince1970: 0)
        try segment.set("date", encoding: date, encoder: encoder)
        #expect(try segment.string("date") == #""1970-01-01T00:00:00Z""#)
        #expect(try segment.get("date", decoding: Date.self, decoder: decoder) == date)
        #expect(
            error { () throws(CodableError) in try segment.get("date", decoding: Date.self) }?.code == .notDecodable)
    }

    @Test func optionsAreTheSegments() throws {
        let segment = try open()
        let version = try segment.set("key", encoding: [1], .ifVersion(0))
        let refusal = error { () throws(CodableError) in try segment.set("key", encoding: [2], .ifVersion(0)) }
        #expect(refusal?.code == .segment)
        #expect(refusal?.segmentError?.code == .versionDiffers)
        #expect(refusal?.segmentError?.available == version)
        try segment.set("key", encoding: [3], .expiring(in: .zero))
        #expect(try segment.get("key", decoding: [Int].self) == nil)
    }

    // MARK: What is refused

    @Test func valueThatJSONHasNoFormForIsRefusedWithItsPlace() throws {
        let segment = try open()
        try segment.set("key", encoding: ["old"])
        let refusal = error { () throws(CodableError) in
            try segment.set("key", encoding: ["loads": [0.5, Double.infinity]])
        }
        #expect(refusal?.code == .notEncodable)
        #expect(refusal?.path == "loads[1]")
        #expect(refusal?.segmentError == nil)
        #expect(
            refusal?.description.hasPrefix(
                #"segment 'default', key "key": a value of type Dictionary<String, Array<Double>> can't be encoded: at 'loads[1]': "#
            )
                == true)
        #expect(try segment.get("key", decoding: [String].self) == ["old"])
    }

    @Test(arguments: [
        (#"{"servers": [{"host": "a", "port": "80"}]}"#, "servers[0].port"),
        (#"{"servers": [{"host": "a", "port": 1}, {"host": "a", "port": null}]}"#, "servers[1].port"),
        (#"{"servers": {}}"#, "servers"), (#"{"servers": [{"host": "a"}]}"#, "servers[0]"), ("[]", ""), ("{}", ""),
        ("", ""), ("{", ""), ("no JSON", ""), ("{} {}", ""),
    ])
    func bytesOfAnotherShapeAreRefusedWithTheirPlace(text: String, path: String) throws {
        let segment = try open()
        try segment.set("ke\ny", to: text)
        let refusal = try #require(
            error { () throws(CodableError) in try segment.get("ke\ny", decoding: Inventory.self) })
        #expect(refusal.code == .notDecodable)
        #expect(refusal.path == path)
        let start = #"segment 'default', key "ke\ny": the value can't be decoded as Inventory: "#
        #expect(refusal.description.hasPrefix(start + (path.isEmpty ? "" : "at '\(path)': ")))
        #expect(refusal.description.count > start.count && !refusal.description.hasSuffix("."))
    }

    @Test func missingMemberIsNamed() throws {
        let segment = try open()
        try segment.set("key", to: #"{"host": "a"}"#)
        let refusal = error { () throws(CodableError) in try segment.get("key", decoding: Inventory.Server.self) }
        #expect(refusal?.description.hasSuffix("the key 'port' is missing") == true)
    }

    @Test func numberIsNotJSON() throws {
        let segment = try open()
        try segment.set("key", to: 41)
        let refusal = error { () throws(CodableError) in try segment.get("key", decoding: Int.self) }
        #expect(refusal?.code == .segment)
        #expect(refusal?.segmentError?.code == .wrongType)
        try segment.set("key", encoding: 41)
        #expect(throws: SharedMemError.self) { try segment.get("key", as: Int.self) }
        #expect(throws: SharedMemError.self) { try segment.add(1, to: "key") }
    }

    @Test func segmentThatRefusesSaysWhy() throws {
        let segment = try open()
        let large = String(repeating: "x", count: 100_000)
        let refusal = error { () throws(CodableError) in try segment.set("key", encoding: large) }
        #expect(refusal?.code == .segment)
        #expect(refusal?.segmentError?.code == .valueTooLarge)
        #expect(refusal?.description == refusal?.segmentError?.description)
        let reader = try open(.readOnly)
        #expect(
            error { () throws(CodableError) in try reader.set("key", encoding: 1) }?.segmentError?.code == .readOnly)
    }
}
