extension RegisterHistory {
    /// A get that saw neither the newest change that was acknowledged before it was called nor a newer one; nil: none.
    ///
    /// A special case of a history that isn't linearisable, found by one pass: it names what is wrong.
    package func getThatLostAChange() -> RegisterOperation? {
        let deletions = operations.filter { if case .deleted = $0.effect { true } else { false } }
        var changes = operations.compactMap { operation -> (returned: UInt64, version: UInt64, isThere: Bool)? in
            guard let returned = operation.returned, let version = operation.changeVersion else { return nil }
            if case .set = operation.effect { return (returned, version, true) }
            return (returned, version, false)
        }
        changes.sort { $0.returned < $1.returned }
        var newest = (version: initial.version, isThere: initial.value != nil)
        var position = 0
        for operation in operations.sorted(by: { $0.invoked < $1.invoked }) {
            while position < changes.count, changes[position].returned < operation.invoked {
                let change = changes[position]
                if change.version > newest.version { newest = (change.version, change.isThere) }
                position += 1
            }
            switch operation.effect {
            case .got(_, let version) where version < newest.version: return operation
            case .gotNothing where newest.isThere:
                let isExplained = deletions.contains { deletion in
                    guard let end = operation.returned, deletion.invoked <= end else { return false }
                    return deletion.changeVersion.map { $0 > newest.version } ?? true
                }
                if !isExplained { return operation }
            default: break
            }
        }
        return nil
    }

    /// Gives changes that never returned the version that a get has seen of them.
    package mutating func learnVersions() {
        var versions: [UInt64: UInt64] = [:]
        for operation in operations {
            if case .got(let value, let version) = operation.effect { versions[value] = version }
        }
        for index in operations.indices where operations[index].changeVersion == nil {
            if case .set(let value, _) = operations[index].effect {
                operations[index].effect = .set(value: value, version: versions[value])
            }
        }
    }
}
