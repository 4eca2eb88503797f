import Foundation
import SharedMem
import Synchronization
import TestSupport
import Testing

/// Key handles, reads of many keys and borrowed values, against a daemon of this build.
@Suite struct HotKeyTests {
    let daemon: DaemonProcess

    init() throws {
        daemon = try DaemonProcess(
            configuration: """
                segments:
                  default:
                    size: 1MiB
                    mode: "0666"
                """)
    }

    func open(_ access: Segment.Access = .readWrite) throws(SharedMemError) -> Segment {
        try Segment.open("default", access: access, socketPath: daemon.socketPath)
    }

    @Test func keyHandleFollowsItsKey() throws {
        let segment = try open()
        let key = try segment.key("temperature")
        #expect(try key.get() == nil)
        let version = try key.set(to: 21.5)
        #expect(try segment.metadata("temperature")?.version == version)
        #expect(try key.get(as: Double.self) == 21.5)
        try segment.set("temperature", to: 22.5)
        #expect(try key.get(as: Double.self) == 22.5)
        #expect(throws: SharedMemError.self) { try key.get(as: String.self) }
        try segment.delete("temperature")
        #expect(try key.get() == nil)
        // Others take the slots meanwhile.
        for other in 0..<200 { try segment.set("other \(other)", to: other) }
        #expect(try key.get() == nil)
        try key.set(to: "warm")
        #expect(try key.get(as: String.self) == "warm")
        #expect(throws: SharedMemError.self) { try key.set(to: "warmer", .ifVersion(0)) }
        #expect(try segment.values(of: (0..<200).map { "other \($0)" }, as: Int.self) == (0..<200).map { $0 })
    }

    @Test func keyHandleServesManyThreads() throws {
        let segment = try open()
        let key = try segment.key("shared")
        let failures = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            do {
                for turn in 0..<2000 {
                    if thread == 0, turn % 50 == 0 { try segment.delete("shared") }
                    try key.set(to: [UInt8](repeating: UInt8(turn % 251), count: 40))
                    if let value = try key.get(), Set(value).count != 1 || value.count != 40 {
                        failures.withLock { $0.append("\(value)") }
                    }
                }
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
    }

    @Test func tooLongKeyGetsNoHandle() throws {
        let segment = try open()
        #expect(throws: SharedMemError.self) { try segment.key(String(repeating: "k", count: 513)) }
        #expect(try segment.key(String(repeating: "k", count: 512)).get() == nil)
    }

    @Test(arguments: [Segment.Access.readOnly, .readWrite])
    func manyKeysComeInTheirOrder(access: Segment.Access) throws {
        let writer = try open()
        for key in 0..<50 where key % 3 != 0 {
            try writer.set("key \(key)", to: String(repeating: "v", count: key * 20))
        }
        let expected = (0..<50).map { $0 % 3 == 0 ? nil : String(repeating: "v", count: $0 * 20) }
        let segment = try open(access)
        #expect(try segment.values(of: (0..<50).map { "key \($0)" }, as: String.self) == expected)
        #expect(try segment.values(of: [] as [String]).isEmpty)
        #expect(
            try segment.values(of: ["key 1", "key 1"]) == [
                [UInt8](repeating: 0x76, count: 20), [UInt8](repeating: 0x76, count: 20),
            ])
        try writer.set("key 0", to: 1)
        #expect(throws: SharedMemError.self) { try segment.values(of: ["key 1", "key 0"], as: String.self) }
    }

    @Test func expiredValueIsNotAmongMany() throws {
        let segment = try open()
        try segment.set("gone", to: 1, .expiring(in: .zero))
        try segment.set("there", to: 2)
        #expect(try segment.values(of: ["gone", "there"], as: Int.self) == [nil, 2])
    }

    @Test func borrowedValueStaysWhileWritersGoOn() throws {
        let segment = try open()
        let old = [UInt8](repeating: 1, count: 100_000)
        try segment.set("large", to: old)
        let isUnchanged = try segment.withValue(of: "large") { (bytes, info) throws(SharedMemError) in
            // Without the pin the first replacement's memory would be used again by the third or fourth.
            for turn in 0..<6 { try segment.set("large", to: [UInt8](repeating: UInt8(2 + turn), count: 100_000)) }
            return unsafe bytes.withUnsafeBytes { unsafe info.byteCount == old.count && $0.elementsEqual(old) }
        }
        #expect(isUnchanged == true)
        #expect(try segment.get("large")?.first == 7)
        #expect(try segment.withValue(of: "missing") { (_, _) throws(SharedMemError) in 1 } == nil)
    }

    @Test func pinThatIsInTheWayIsNamedAndMemoryComesBack() throws {
        let segment = try open()
        let value = [UInt8](repeating: 1, count: 100_000)
        try segment.set("large", to: value)
        let failure: SharedMemError? =
            try segment.withValue(of: "large") { (_, _) throws(SharedMemError) in
                do throws(SharedMemError) {
                    for _ in 0..<30 { try segment.set("large", to: value) }
                    return nil
                } catch {
                    return error
                }
            } ?? nil
        let error = try #require(failure)
        #expect(error.code == .full)
        #expect(error.description.contains("holds on to"))
        for _ in 0..<30 { try segment.set("large", to: value) }
    }

    @Test func readOnlyHandleLendsACopy() throws {
        let writer = try open()
        try writer.set("text", to: "before")
        let text = try open(.readOnly).withValue(of: "text") { (bytes, _) throws(SharedMemError) in
            try writer.set("text", to: "after")
            return unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        #expect(text == "before")
    }
}
