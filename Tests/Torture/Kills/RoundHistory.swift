internal import TestSupport

/// What all workers did in one round, judged.
struct RoundHistory {
    private var keys: [RegisterHistory]
    /// Operations in it.
    let operationCount: Int
    /// Operations whose callers were killed.
    let pendingCount: Int

    /// The operations that `entries` tell of, between what the keys held `before` and `after`.
    init(_ entries: [OperationLog.Entry], before: [Register], after: [Register]) throws(Wrong) {
        keys = before.map { RegisterHistory([], initial: $0) }
        operationCount = entries.count
        pendingCount = entries.count { $0.returned == 0 }
        for entry in entries {
            guard keys.indices.contains(entry.key) else { throw Wrong(description: "a log names key \(entry.key)") }
            if let operation = entry.operation { keys[entry.key].operations.append(operation) }
        }
        let end = 1 + (entries.map { max($0.invoked, $0.returned) }.max() ?? 0)
        for (key, register) in after.enumerated() {
            let effect: RegisterOperation.Effect =
                register.value.map { .got(value: $0, version: register.version) } ?? .gotNothing
            keys[key].operations.append(RegisterOperation(effect, invoked: end, returned: end))
            keys[key].learnVersions()
        }
        joinTransactions()
    }

    /// The sets of a transaction happen at one moment: all of them if a get has seen one, and none after that get.
    private mutating func joinTransactions() {
        var sights: [UInt64: (end: UInt64, version: UInt64)] = [:]
        for operation in keys.flatMap(\.operations) {
            guard case .got(let value, let version) = operation.effect, let end = operation.returned else { continue }
            if let sight = sights[value >> 8], sight.end <= end { continue }
            sights[value >> 8] = (end, version)
        }
        for key in keys.indices {
            for index in keys[key].operations.indices {
                let operation = keys[key].operations[index]
                guard case .set(let value, let version) = operation.effect, let sight = sights[value >> 8] else {
                    continue
                }
                keys[key].operations[index].effect = .set(value: value, version: version ?? sight.version)
                keys[key].operations[index].returned = min(operation.returned ?? .max, sight.end)
            }
        }
    }

    /// Throws what must never be seen.
    func check() throws(Wrong) {
        for (key, history) in keys.enumerated() {
            if let operation = history.getThatLostAChange() {
                throw Wrong(description: "key \(key): an acknowledged change is lost: \(operation)")
            }
        }
        try checkVersions()
        for (key, history) in keys.enumerated() {
            switch history.verdict() {
            case .linearisable: break
            case .impossible(let operation):
                throw Wrong(description: "key \(key): no order of the operations explains \(operation)")
            case .undecided: throw Wrong(description: "key \(key): the search for an order took too long")
            }
        }
    }

    /// The versions of all keys are one sequence: never issued twice but within a transaction, and increasing from one change to a later one.
    private func checkVersions() throws(Wrong) {
        var changes: [(invoked: UInt64, returned: UInt64, version: UInt64)] = []
        for operation in keys.flatMap(\.operations) {
            if let version = operation.changeVersion {
                changes.append((operation.invoked, operation.returned ?? .max, version))
            }
        }
        let byReturn = changes.sorted { $0.returned < $1.returned }
        var position = 0
        var newest: UInt64 = 0
        for change in changes.sorted(by: { $0.invoked < $1.invoked }) {
            while position < byReturn.count, byReturn[position].returned < change.invoked {
                newest = max(newest, byReturn[position].version)
                position += 1
            }
            guard change.version > newest else {
                throw Wrong(description: "version \(change.version) was issued after version \(newest)")
            }
        }
        var issued: [UInt64: UInt64?] = [:]
        for operation in keys.flatMap(\.operations) {
            guard let version = operation.changeVersion else { continue }
            var transaction: UInt64?
            if case .set(let value, _) = operation.effect { transaction = value >> 8 }
            if let other = issued.updateValue(transaction, forKey: version), other != transaction || other == nil {
                throw Wrong(description: "version \(version) was issued twice")
            }
        }
    }
}

extension OperationLog.Entry {
    /// The operation as the checker has it; nil: a get whose caller was killed saw nothing.
    fileprivate var operation: RegisterOperation? {
        let isPending = returned == 0
        let effect: RegisterOperation.Effect
        switch kind {
        case .set: effect = .set(value: value, version: version == 0 || isPending ? nil : version)
        case .delete where isPending: effect = .deleted(version: nil)
        case .delete: effect = version == 0 ? .foundNothingToDelete : .deleted(version: version)
        case .get where isPending: return nil
        case .get: effect = value == 0 ? .gotNothing : .got(value: value, version: version)
        }
        return RegisterOperation(effect, invoked: invoked, returned: isPending ? nil : returned)
    }
}
