import Glibc
import SharedMemStore
import Testing

@Suite struct CrashPointTests {
    /// One operation on a prepared segment.
    struct Scenario: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var heapGranuleCount = 40
        let prepare: @Sendable (Store) throws -> Void
        let operation: @Sendable (Store) throws -> Void
        /// Whether the operation changes what a user sees.
        var isVisible = true
    }

    static func bytes(_ count: Int, _ byte: UInt8 = 7) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    static let scenarios: [Scenario] = [
        Scenario(testDescription: "set of a new key", prepare: { _ in }, operation: { try $0.put([1], bytes(30)) }),
        Scenario(
            testDescription: "set of a new key beside others",
            prepare: { for key in 1...5 { try $0.put([UInt8(key)], bytes(50)) } },
            operation: { try $0.put([9], bytes(130)) }),
        Scenario(
            testDescription: "set of an old key, the same size", prepare: { try $0.put([1], bytes(30)) },
            operation: { try $0.put([1], bytes(30, 8)) }),
        Scenario(
            testDescription: "set of an old key, smaller", prepare: { try $0.put([1], bytes(600)) },
            operation: { try $0.put([1], bytes(3)) }),
        Scenario(
            testDescription: "set of an old key, larger", prepare: { try $0.put([1], bytes(3)) },
            operation: { try $0.put([1], bytes(600)) }),
        Scenario(
            testDescription: "plain set, the same size", prepare: { try $0.put([1], bytes(30)) },
            operation: { $0.plainPut([1], bytes(30, 8)) }),
        Scenario(
            testDescription: "plain set in limbo's head",
            prepare: { store in
                for round in 0..<4 { try store.put([1], bytes(30, UInt8(round))) }
                try store.moveEpochForTest(by: 2)
            }, operation: { $0.plainPut([1], bytes(30, 9)) }),
        Scenario(
            testDescription: "plain set in limbo's head, a short key and a line",
            prepare: { store in
                for round in 0..<4 { try store.put(bytes(16), bytes(64, UInt8(round))) }
                try store.moveEpochForTest(by: 2)
            }, operation: { $0.plainPut(bytes(16), bytes(64, 9)) }),
        Scenario(
            testDescription: "plain set in limbo's head, a long key",
            prepare: { store in
                for round in 0..<4 { try store.put(bytes(21), bytes(91, UInt8(round))) }
                try store.moveEpochForTest(by: 2)
            }, operation: { $0.plainPut(bytes(21), bytes(90, 9)) }),
        Scenario(
            testDescription: "plain set of a new key", prepare: { _ in }, operation: { $0.plainPut([1], bytes(30)) }),
        Scenario(
            testDescription: "plain set, larger", prepare: { try $0.put([1], bytes(3)) },
            operation: { $0.plainPut([1], bytes(600)) }),
        Scenario(testDescription: "delete", prepare: { try $0.put([1], bytes(30)) }, operation: { try $0.remove([1]) }),
        Scenario(
            testDescription: "delete behind a record in limbo",
            prepare: {
                for round in 0..<3 { try $0.put([1], bytes(30, UInt8(round))) }
                try $0.put([2], bytes(90))
            }, operation: { try $0.remove([2]) }),
        Scenario(
            testDescription: "delete behind another deletion",
            prepare: { store in
                for key in 1...3 { try store.put([UInt8(key)], bytes(30)) }
                try store.remove([2])
            }, operation: { try $0.remove([1]) }),
        Scenario(
            testDescription: "set behind a deletion",
            prepare: { store in
                for key in 1...3 { try store.put([UInt8(key)], bytes(30)) }
                try store.remove([2])
            }, operation: { try $0.put([1], bytes(90)) }),
        Scenario(
            testDescription: "index at its reach",
            heapGranuleCount: 300, prepare: { for key in 0..<150 { try $0.put([UInt8(key)], []) } },
            operation: { try $0.put([200], bytes(30)) }),
        Scenario(
            testDescription: "limbo's only record used again",
            prepare: { store in
                try store.put([1], bytes(1500))
                try store.put([1], bytes(900, 1))
                try store.moveEpochForTest(by: 2)
            }, operation: { try $0.put([2], bytes(1500, 2)) }),
        Scenario(
            testDescription: "limbo's head used again, others behind it",
            prepare: { store in
                for round in 0..<4 { try store.put([1], bytes(30, UInt8(round))) }
                try store.moveEpochForTest(by: 2)
            }, operation: { try $0.put([1], bytes(30, 9)) }),
        Scenario(
            testDescription: "limbo's head used again for a new key",
            prepare: { store in
                for round in 0..<4 { try store.put([1], bytes(30, UInt8(round))) }
                try store.moveEpochForTest(by: 2)
            }, operation: { try $0.put([2], bytes(30, 9)) }),
        Scenario(
            testDescription: "limbo given back, blocks split and joined",
            heapGranuleCount: 60,
            prepare: { store in
                for key in 1...6 { try store.put([UInt8(key)], bytes(100 * key)) }
                for key in [2, 4, 3] { try store.remove([UInt8(key)]) }
                try store.moveEpochForTest(by: 2)
            }, operation: { try $0.put([7], bytes(700)) }),
        Scenario(
            testDescription: "everything given back before a large value fits",
            prepare: { store in
                for key in 1...6 { try store.put([UInt8(key)], bytes(300)) }
                for key in 1...6 { try store.remove([UInt8(key)]) }
            }, operation: { try $0.put([7], bytes(2200)) }),
        Scenario(
            testDescription: "compare and set", prepare: { try $0.put([1], bytes(30)) },
            operation: { store in
                var options = SetOptions()
                options.expectedVersion = 1
                try store.put([1], bytes(200), options)
            }),
        Scenario(
            testDescription: "add", prepare: { try $0.put([1], Array("41".utf8)) },
            operation: { try $0.increment([1], by: 1) }),
        Scenario(
            testDescription: "expiry sweep",
            prepare: { store in
                var options = SetOptions()
                options.expiresAt = 5
                try store.put([1], bytes(100), options)
                try store.put([2], bytes(100))
            }, operation: { try $0.sweep(at: 5) }),
        Scenario(
            testDescription: "transaction of one new key", prepare: { try $0.put([1], bytes(30)) },
            operation: { try $0.transact([([2], bytes(40))]) }),
        Scenario(
            testDescription: "transaction of one deletion", prepare: { try $0.put([1], bytes(30)) },
            operation: { try $0.transact([([1], nil)]) }),
        Scenario(
            testDescription: "transaction of two old keys",
            prepare: { store in
                try store.put([1], bytes(30))
                try store.put([2], bytes(300))
            }, operation: { try $0.transact([([1], bytes(90)), ([2], bytes(20))]) }),
        Scenario(
            testDescription: "transaction of an old key, a new one and a deletion, with limbo used again",
            heapGranuleCount: 60,
            prepare: { store in
                for round in 0..<4 { try store.put([1], bytes(30, UInt8(round))) }
                try store.put([2], bytes(300))
                try store.put([3], bytes(10))
                try store.moveEpochForTest(by: 2)
            }, operation: { try $0.transact([([1], bytes(30, 9)), ([3], nil), ([4], bytes(500))]) }),
        Scenario(
            testDescription: "transaction that doesn't fit is undone",
            prepare: { store in
                try store.put([1], bytes(30))
                try store.put([2], bytes(300))
            },
            operation: { store in
                #expect(throws: StoreError.self) {
                    try store.transact([([1], bytes(90)), ([2], nil), ([3], bytes(2000))])
                }
            }, isVisible: false),
        Scenario(
            testDescription: "full",
            prepare: { try $0.put([1], bytes(900)) },
            operation: { store in
                #expect(throws: StoreError.self) { try store.put([2], bytes(1700)) }
            }, isVisible: false),
    ]

    @Test(arguments: scenarios) func everyCrashPointIsLegal(scenario: Scenario) throws {
        let points = try CrashPoints(
            heapGranuleCount: scenario.heapGranuleCount, prepare: scenario.prepare, operation: scenario.operation)
        let report = try points.check()
        #expect(report.pointCount > 2)
        if scenario.isVisible {
            #expect(report.recoveryPointCount > 0)
            #expect(report.oldCount > 1)
            #expect(report.newCount > 1)
        }
    }

    /// Whether all points of a large transaction are checked, hundreds of thousands, or a sample.
    static let isLong = unsafe getenv("SHAREDMEM_TESTS_LONG") != nil

    /// Every point of the transaction, and every one of each recovery, in shares; in the short run one point in 7, and of
    /// its recovery one in 101.
    @Test(arguments: isLong ? 0..<8 : 0..<1)
    func everyCrashPointOfALargeTransactionIsLegal(share: Int) throws {
        let points = try CrashPoints(
            heapGranuleCount: 400,
            prepare: { store in
                for key in 0..<30 { try store.put([UInt8(key)], Self.bytes(20 + key * 5)) }
                for key in 20..<30 { try store.remove([UInt8(key)]) }
            },
            operation: { store in
                try store.transact(
                    (0..<50).map { key in ([UInt8(key)], key < 5 ? nil : Self.bytes(10 + key * 3, UInt8(key))) })
            })
        let report = try points.check(from: share, stride: Self.isLong ? 8 : 7, recoveryStride: Self.isLong ? 1 : 101)
        #expect(report.oldCount > 100)
        #expect(report.newCount > 10)
    }

    /// Each fault must be found by some scenario, or the driver would not find it in the code either.
    @Test(arguments: [
        SeededFault.intentLeftOut, .undoLeftOut, .publishedTooEarly, .retiredRelatively, .forgottenTooEarly,
    ])
    func seededFaultIsFound(fault: SeededFault) throws {
        var found: [String] = []
        for scenario in Self.scenarios {
            do {
                let points = try CrashPoints(
                    heapGranuleCount: scenario.heapGranuleCount, fault: fault, prepare: scenario.prepare,
                    operation: scenario.operation)
                _ = try points.check()
            } catch {
                found.append("\(scenario.testDescription): \(error)")
                break
            }
        }
        #expect(!found.isEmpty, "\(fault) was not found")
    }
}

extension Store {
    /// Moves the reuse epoch, as later writes would.
    func moveEpochForTest(by count: Int) throws { for _ in 0..<count { moveEpoch() } }
}
