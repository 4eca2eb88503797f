import SharedMem
import Testing

/// Sets and deletes under the condition that a key has a version.
@Suite struct ConditionTests {
    let served: ServedSegment

    init() throws { served = try ServedSegment() }

    @Test func setIfMissingSucceedsOnce() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: "first", .ifVersion(0))
        let refusal = error { try segment.set("key", to: "second", .ifVersion(0)) }
        #expect(refusal?.code == .versionDiffers)
        #expect(refusal?.available == version)
        #expect(try segment.string("key") == "first")
        #expect(try segment.metadata("key")?.version == version)
    }

    @Test func setIfVersionNeedsThatVersion() throws {
        let segment = try served.open()
        let first = try segment.set("key", to: 1)
        let second = try segment.set("key", to: 2, .ifVersion(first))
        #expect(second > first)
        for wrong in [first, second + 1, 0, UInt64.max] {
            let refusal = error { try segment.set("key", to: 3, .ifVersion(wrong)) }
            #expect(refusal?.code == .versionDiffers)
            #expect(refusal?.available == second)
        }
        #expect(try segment.get("key", as: Int.self) == 2)
    }

    @Test func versionOfAMissingKeyIsZero() throws {
        let segment = try served.open()
        #expect(error { try segment.set("key", to: 1, .ifVersion(7)) }?.available == 0)
        #expect(failure { try segment.set("key", to: 1, .ifVersion(7)) } == .versionDiffers)
        let version = try segment.set("key", to: 1)
        #expect(try segment.delete("key"))
        #expect(failure { try segment.set("key", to: 1, .ifVersion(version)) } == .versionDiffers)
        try segment.set("key", to: 2, .ifVersion(0))
        #expect(try segment.get("key", as: Int.self) == 2)
    }

    @Test func deleteIfVersionNeedsThatVersion() throws {
        let segment = try served.open()
        let version = try segment.set("key", to: 1)
        let refusal = error { try segment.delete("key", ifVersion: version + 1) }
        #expect(refusal?.code == .versionDiffers)
        #expect(refusal?.available == version)
        #expect(failure { try segment.delete("key", ifVersion: 0) } == .versionDiffers)
        #expect(try segment.get("key", as: Int.self) == 1)
        #expect(try segment.delete("key", ifVersion: version))
        #expect(failure { try segment.delete("key", ifVersion: version) } == .versionDiffers)
        #expect(try segment.delete("key", ifVersion: 0) == false)
    }

    @Test func optionOfATypeReplacesTheValuesOwn() throws {
        let segment = try served.open()
        var options = SetOptions()
        options.type = .utf8
        try segment.set("key", to: [0x68, 0x69], options)
        #expect(try segment.metadata("key")?.type == .utf8)
        #expect(try segment.string("key") == "hi")
        options.type = ValueType(rawValue: 255)
        try segment.set("key", to: "hi", options)
        #expect(try segment.metadata("key")?.type.rawValue == 255)
        #expect(failure { try segment.string("key") } == .wrongType)
    }

    /// Each thread reads, adds one and sets under the condition: none is lost.
    @Test func conditionalSetsOfManyThreadsLoseNothing() async throws {
        let segment = try served.open()
        try segment.set("sum", to: 0)
        let (threads, rounds) = (4, 250)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    var done = 0
                    while done < rounds {
                        let version = try segment.metadata("sum")?.version ?? 0
                        let sum = try segment.get("sum", as: Int.self) ?? 0
                        // Of two versions: then the condition fails.
                        do {
                            try segment.set("sum", to: sum + 1, .ifVersion(version))
                            done += 1
                        } catch let error as SharedMemError where error.code == .versionDiffers {
                            continue
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try segment.get("sum", as: Int.self) == threads * rounds)
    }
}
