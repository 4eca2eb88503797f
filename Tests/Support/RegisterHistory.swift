/// What several clients did to one key, and what they saw.
package struct RegisterHistory: Sendable {
    /// The key before the first operation.
    package var initial: Register
    /// The operations in any order.
    package var operations: [RegisterOperation]

    /// A history of `operations` on a key that begins as `initial`.
    package init(_ operations: [RegisterOperation], initial: Register = Register()) {
        self.operations = operations
        self.initial = initial
    }

    /// Whether the operations can have happened one after the other.
    package enum Verdict: Equatable, Sendable {
        /// Some order explains all results, each operation at a moment between its call and its return.
        case linearisable
        /// No order does: the longest order that explains anything ends before this operation.
        case impossible(RegisterOperation)
        /// The search was given up after so many steps.
        case undecided
    }

    /// Looks for an order of the operations that explains what each of them saw.
    ///
    /// Operations that never returned may have a place in the order or not. Takes time in proportion to the operations
    /// if few of them overlap; at worst exponential, so that it gives up after `stepLimit` steps.
    /// Source: J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects", 1993, with the list of events and the
    /// memory of configurations of G. Lowe, "Testing for Linearizability", 2017.
    package func verdict(stepLimit: Int = 1 << 24) -> Verdict {
        var search = Search(self)
        return search.run(stepLimit: stepLimit)
    }
}

/// The search for an order: depth first, a step back wherever an operation would have to come after its return.
private struct Search {
    /// Those that returned, by their calls, and then those that never did.
    private let operations: [RegisterOperation]
    /// The events that aren't in the order yet, as a list in the order of time: 2i is the call of operation i, 2i + 1 its
    /// return; `head` stands before the first one and behind the last.
    private var next: [Int]
    private var previous: [Int]
    private let head: Int
    /// Operations that returned and aren't in the order yet.
    private var remainingCount: Int
    /// The order so far: an operation, and the register before it.
    private var order: [(operation: Int, before: Register)] = []
    /// The register after it.
    private var register: Register
    private var members: OperationSet
    /// Where the search has been: from the same configuration it would end the same way.
    private var seen: Set<Configuration>

    /// Which operations are in the order, and what the register is after them.
    private struct Configuration: Hashable {
        var members: OperationSet.Digest
        var register: Register
    }

    init(_ history: RegisterHistory) {
        let returned = history.operations.filter { $0.returned != nil }.sorted { $0.invoked < $1.invoked }
        operations = returned + history.operations.filter { $0.returned == nil }
        head = operations.count * 2
        next = [Int](repeating: head, count: head + 1)
        previous = next
        remainingCount = returned.count
        register = history.initial
        members = OperationSet(returnedCount: returned.count, pendingCount: operations.count - returned.count)
        seen = [Configuration(members: members.digest, register: register)]
        var events: [(time: UInt64, isReturn: Bool, node: Int)] = []
        for (index, operation) in operations.enumerated() {
            events.append((operation.invoked, false, index * 2))
            if let returned = operation.returned { events.append((returned, true, index * 2 + 1)) }
        }
        // Calls first: operations that touch at one moment count as overlapping.
        events.sort { ($0.time, $0.isReturn ? 1 : 0) < ($1.time, $1.isReturn ? 1 : 0) }
        var last = head
        for event in events {
            next[last] = event.node
            previous[event.node] = last
            last = event.node
        }
        next[last] = head
        previous[head] = last
    }

    mutating func run(stepLimit: Int) -> RegisterHistory.Verdict {
        var steps = 0
        var longest = -1
        var blocker = 0
        var event = next[head]
        while remainingCount > 0 {
            steps += 1
            if steps > stepLimit { return .undecided }
            let operation = event / 2
            if event % 2 == 0 {
                event = append(operation) ? next[head] : next[event]
                continue
            }
            if order.count > longest { (longest, blocker) = (order.count, operation) }
            guard let back = takeBack() else { return .impossible(operations[blocker]) }
            event = next[back * 2]
        }
        return .linearisable
    }

    /// Puts an operation behind the order so far; false: it can't stand there, or the search has been there.
    private mutating func append(_ operation: Int) -> Bool {
        guard let after = register.after(operations[operation].effect) else { return false }
        members.insert(operation)
        guard seen.insert(Configuration(members: members.digest, register: after)).inserted else {
            members.remove(operation)
            return false
        }
        order.append((operation, register))
        register = after
        unlink(operation * 2)
        if operations[operation].returned != nil {
            unlink(operation * 2 + 1)
            remainingCount -= 1
        }
        return true
    }

    /// Takes the last operation out of the order and returns it; nil: there is none.
    private mutating func takeBack() -> Int? {
        guard let (operation, before) = order.popLast() else { return nil }
        members.remove(operation)
        register = before
        if operations[operation].returned != nil {
            link(operation * 2 + 1)
            remainingCount += 1
        }
        link(operation * 2)
        return operation
    }

    private mutating func unlink(_ node: Int) {
        next[previous[node]] = next[node]
        previous[next[node]] = previous[node]
    }

    /// Puts a node back to where it was unlinked; in the reverse order of unlinking.
    private mutating func link(_ node: Int) {
        next[previous[node]] = node
        previous[next[node]] = node
    }
}
