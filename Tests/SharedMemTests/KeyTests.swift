import Foundation
import SharedMem
import Synchronization
import Testing

/// Key handles and reads of many keys.
@Suite struct KeyTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func keyHandleFollowsItsKey() throws {
        let segment = try served.open()
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
        let segment = try served.open()
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
        let segment = try served.open()
        #expect(throws: SharedMemError.self) { try segment.key(String(repeating: "k", count: 513)) }
        #expect(try segment.key(String(repeating: "k", count: 512)).get() == nil)
    }

    @Test(arguments: [Segment.Access.readOnly, .readWrite])
    func manyKeysComeInTheirOrder(access: Segment.Access) throws {
        let writer = try served.open()
        for key in 0..<50 where key % 3 != 0 {
            try writer.set("key \(key)", to: String(repeating: "v", count: key * 20))
        }
        let expected = (0..<50).map { $0 % 3 == 0 ? nil : String(repeating: "v", count: $0 * 20) }
        let segment = try served.open(access)
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
        let segment = try served.open()
        try segment.set("gone", to: 1, .expiring(in: .zero))
        try segment.set("there", to: 2)
        #expect(try segment.values(of: ["gone", "there"], as: Int.self) == [nil, 2])
    }
}
