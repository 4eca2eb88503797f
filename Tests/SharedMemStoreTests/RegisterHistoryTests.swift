import TestSupport
import Testing

@Suite struct RegisterHistoryTests {
    /// A history written by hand, and whether an order explains it.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var initial = Register()
        let operations: [RegisterOperation]
    }

    static func set(_ value: UInt64, _ version: UInt64?, _ invoked: UInt64, _ returned: UInt64?) -> RegisterOperation {
        RegisterOperation(.set(value: value, version: version), invoked: invoked, returned: returned)
    }

    static func got(_ value: UInt64, _ version: UInt64, _ invoked: UInt64, _ returned: UInt64) -> RegisterOperation {
        RegisterOperation(.got(value: value, version: version), invoked: invoked, returned: returned)
    }

    static func gotNothing(_ invoked: UInt64, _ returned: UInt64) -> RegisterOperation {
        RegisterOperation(.gotNothing, invoked: invoked, returned: returned)
    }

    static func deleted(_ version: UInt64?, _ invoked: UInt64, _ returned: UInt64?) -> RegisterOperation {
        RegisterOperation(.deleted(version: version), invoked: invoked, returned: returned)
    }

    static func foundNothing(_ invoked: UInt64, _ returned: UInt64) -> RegisterOperation {
        RegisterOperation(.foundNothingToDelete, invoked: invoked, returned: returned)
    }

    static let good: [Case] = [
        Case(testDescription: "nothing at all", operations: []),
        Case(
            testDescription: "one after the other",
            operations: [
                gotNothing(1, 2), set(100, 1, 3, 4), got(100, 1, 5, 6), deleted(2, 7, 8), gotNothing(9, 10),
                foundNothing(11, 12), set(101, 3, 13, 14), got(101, 3, 15, 16),
            ]),
        Case(
            testDescription: "the value from before", initial: Register(value: 9, version: 4),
            operations: [got(9, 4, 1, 2), set(100, 5, 3, 4), got(100, 5, 5, 6)]),
        Case(
            testDescription: "the new value and then the old one, both while it is set",
            initial: Register(value: 9, version: 1),
            operations: [set(100, 2, 1, 10), got(100, 2, 2, 5), got(9, 1, 3, 4)]),
        Case(
            testDescription: "a change that was called later came first",
            operations: [set(100, 2, 1, 10), set(101, 1, 2, 9), got(100, 2, 11, 12)]),
        Case(
            testDescription: "a killed writer's set that nobody ever saw",
            operations: [set(100, 1, 1, 2), set(101, nil, 3, nil), got(100, 1, 4, 5)]),
        Case(
            testDescription: "a killed writer's set that was seen late",
            operations: [set(101, nil, 1, nil), set(100, 1, 2, 3), got(100, 1, 4, 5), got(101, 2, 6, 7)]),
        Case(
            testDescription: "a killed writer's set that only a deletion shows",
            operations: [set(101, nil, 1, nil), gotNothing(2, 3), deleted(2, 4, 5), gotNothing(6, 7)]),
        Case(
            testDescription: "a killed writer's deletion that happened",
            operations: [set(100, 1, 1, 2), deleted(nil, 3, nil), got(100, 1, 4, 5), gotNothing(6, 7)]),
        Case(
            testDescription: "a killed writer's deletion that didn't happen",
            operations: [set(100, 1, 1, 2), deleted(nil, 3, nil), got(100, 1, 4, 5)]),
        Case(
            testDescription: "two deletions at once, one finds nothing",
            operations: [set(100, 1, 1, 2), deleted(2, 3, 6), foundNothing(4, 5)]),
    ]

    static let bad: [Case] = [
        Case(
            testDescription: "stale read",
            operations: [set(100, 1, 1, 2), set(101, 2, 3, 4), got(100, 1, 5, 6)]),
        Case(
            testDescription: "stale read of the value from before", initial: Register(value: 9, version: 1),
            operations: [set(100, 2, 1, 2), got(9, 1, 3, 4)]),
        Case(
            testDescription: "lost update: the later of two acknowledged sets is gone",
            operations: [set(100, 1, 1, 4), set(101, 2, 2, 3), got(101, 2, 5, 6), got(100, 1, 7, 8)]),
        Case(
            testDescription: "an acknowledged set is gone",
            operations: [set(100, 1, 1, 2), gotNothing(3, 4)]),
        Case(
            testDescription: "read from the future", operations: [got(100, 1, 1, 2), set(100, 1, 3, 4)]),
        Case(
            testDescription: "a killed writer's set is seen before it was called",
            operations: [got(100, 1, 1, 2), set(100, 1, 3, nil)]),
        Case(
            testDescription: "a value that nobody wrote", operations: [set(100, 1, 1, 2), got(77, 1, 3, 4)]),
        Case(
            testDescription: "a deleted value is read",
            operations: [set(100, 1, 1, 2), deleted(2, 3, 4), got(100, 1, 5, 6)]),
        Case(
            testDescription: "a deletion finds nothing although there is a value",
            operations: [set(100, 1, 1, 2), foundNothing(3, 4)]),
        Case(
            testDescription: "a deletion finds something although there is nothing",
            operations: [set(100, 1, 1, 2), deleted(2, 3, 4), deleted(3, 5, 6)]),
        Case(
            testDescription: "two readers see a set in opposite orders", initial: Register(value: 9, version: 1),
            operations: [set(100, 2, 1, 20), got(100, 2, 2, 3), got(9, 1, 4, 5)]),
        Case(
            testDescription: "two readers see two sets in opposite orders",
            operations: [
                set(100, 1, 1, 20), set(101, 2, 1, 20), got(100, 1, 2, 3), got(101, 2, 4, 5), got(101, 2, 2, 3),
                got(100, 1, 4, 5),
            ]),
        Case(
            testDescription: "a killed writer's set happened twice",
            operations: [
                set(100, 1, 1, 2), set(101, nil, 3, nil), got(101, 2, 4, 5), set(102, 3, 6, 7), got(101, 2, 8, 9),
            ]),
        Case(
            testDescription: "a killed writer's set was seen and then taken back",
            operations: [set(100, 1, 1, 2), set(101, nil, 3, nil), got(101, 2, 4, 5), got(100, 1, 6, 7)]),
        Case(
            testDescription: "a killed writer's deletion was seen and then taken back",
            operations: [set(100, 1, 1, 2), deleted(nil, 3, nil), gotNothing(4, 5), got(100, 1, 6, 7)]),
        Case(
            testDescription: "versions go backwards", operations: [set(100, 2, 1, 2), set(101, 1, 3, 4)]),
        Case(
            testDescription: "a version is issued twice", operations: [set(100, 1, 1, 4), set(101, 1, 2, 3)]),
        Case(
            testDescription: "a value is read with another version",
            operations: [set(100, 1, 1, 2), got(100, 2, 3, 4)]),
    ]

    @Test(arguments: good) func goodHistoryIsAccepted(history: Case) {
        let history = RegisterHistory(history.operations, initial: history.initial)
        #expect(history.verdict() == .linearisable)
        #expect(history.getThatLostAChange() == nil)
    }

    @Test(arguments: bad) func badHistoryIsRejected(history: Case) {
        var history = RegisterHistory(history.operations, initial: history.initial)
        guard case .impossible = history.verdict() else {
            Issue.record("it was accepted")
            return
        }
        history.learnVersions()
        if case .impossible = history.verdict() { return }
        Issue.record("it was accepted with the versions that are known from gets")
    }

    @Test func lostSetIsNamed() {
        let stale = Self.got(100, 1, 5, 6)
        let history = RegisterHistory([Self.set(100, 1, 1, 2), Self.set(101, 2, 3, 4), stale])
        #expect(history.getThatLostAChange() == stale)
        #expect(history.verdict() == .impossible(stale))
        let gone = Self.gotNothing(3, 4)
        #expect(RegisterHistory([Self.set(100, 1, 1, 2), gone]).getThatLostAChange() == gone)
    }

    @Test func searchGivesUpAtItsLimit() {
        let history = RegisterHistory((1...9).map { Self.set($0, $0, 10 - $0, 20) })
        #expect(history.verdict() == .linearisable)
        #expect(history.verdict(stepLimit: 5) == .undecided)
    }

    /// The search against every order of every choice of the operations that never returned.
    @Test(arguments: [UInt64](1...8)) func searchAgreesWithTryingEveryOrder(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var goodCount = 0
        let roundCount = 300
        for _ in 0..<roundCount {
            let history = Self.randomHistory(from: &random)
            let expected = Self.someOrderExplains(history.operations, from: history.initial)
            #expect((history.verdict() == .linearisable) == expected, "\(history)")
            // What one pass finds is always impossible.
            if history.getThatLostAChange() != nil { #expect(!expected, "\(history)") }
            if expected { goodCount += 1 }
        }
        #expect(goodCount > roundCount / 20)
        #expect(goodCount < roundCount * 19 / 20)
    }

    /// Histories that are longer than the words of a set of operations.
    @Test(arguments: [UInt64](1...8)) func longHistoryIsDecided(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var operations: [RegisterOperation] = []
        var register = Register()
        for moment in UInt64(1)...2000 {
            let isPending = random.next() % 1000 == 0
            let effect: RegisterOperation.Effect =
                if isPending || random.next() % 3 == 0 {
                    .set(value: moment, version: moment)
                } else {
                    register.value.map { .got(value: $0, version: register.version) } ?? .gotNothing
                }
            register = register.after(effect) ?? register
            let time = moment * 10 + 100
            operations.append(
                isPending
                    ? Self.set(moment, nil, time - random.next() % 40, nil)
                    : RegisterOperation(
                        effect, invoked: time - random.next() % 40, returned: time + random.next() % 40))
        }
        #expect(RegisterHistory(operations).verdict() == .linearisable)

        // A get of a value that two later sets had replaced before it was called.
        let sets = operations.indices.filter {
            if case .set = operations[$0].effect { operations[$0].returned != nil } else { false }
        }
        let stale = sets[Int(random.next() % UInt64(sets.count - 20))]
        guard case .set(let value, let version) = operations[stale].effect, let version else { return }
        let start = 21_000 + random.next() % 100
        operations.append(Self.got(value, version, start, start + 1))
        operations.append(Self.set(5000, 5000, start + 2, start + 3))
        var history = RegisterHistory(operations)
        history.learnVersions()
        #expect(history.verdict() == .impossible(Self.got(value, version, start, start + 1)))
    }

    /// Carries operations out at random moments within their calls and returns; then one result in two histories is spoilt.
    private static func randomHistory(from random: inout SplitMix) -> RegisterHistory {
        var operations: [RegisterOperation] = []
        var register = Register()
        for moment in 1...(2 + random.next() % 5) {
            let time = moment * 10
            let effect: RegisterOperation.Effect =
                switch random.next() % 3 {
                case 0: .set(value: moment, version: moment)
                case 1: register.value == nil ? .foundNothingToDelete : .deleted(version: moment)
                default: register.value.map { .got(value: $0, version: register.version) } ?? .gotNothing
                }
            register = register.after(effect) ?? register
            let isPending = random.next() % 6 == 0
            operations.append(
                RegisterOperation(
                    effect, invoked: time - random.next() % 25 % time,
                    returned: isPending ? nil : time + random.next() % 25))
        }
        for index in operations.indices where operations[index].returned == nil {
            switch operations[index].effect {
            case .set(let value, _): operations[index].effect = .set(value: value, version: nil)
            case .deleted: operations[index].effect = .deleted(version: nil)
            default: operations[index].returned = 1000
            }
        }
        if random.next() % 2 == 0 {
            let index = Int(random.next() % UInt64(operations.count))
            let value = 1 + random.next() % 6
            operations[index].effect = random.next() % 3 == 0 ? .gotNothing : .got(value: value, version: value)
            operations[index].returned = operations[index].returned ?? 1000
        }
        return RegisterHistory(operations)
    }

    private static func someOrderExplains(_ remaining: [RegisterOperation], from register: Register) -> Bool {
        if remaining.allSatisfy({ $0.returned == nil }) { return true }
        let limit = remaining.compactMap(\.returned).min() ?? UInt64.max
        for (index, operation) in remaining.enumerated() where operation.invoked <= limit {
            guard let after = register.after(operation.effect) else { continue }
            var rest = remaining
            rest.remove(at: index)
            if someOrderExplains(rest, from: after) { return true }
        }
        return false
    }
}
