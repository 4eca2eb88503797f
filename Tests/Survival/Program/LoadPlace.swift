internal import LinuxIPC
internal import SharedMem
internal import TestSupport

/// One segment as a client of the load works in it: each value that it gets is held against what it was acknowledged.
struct LoadPlace {
    /// Keys by what is done with them; the last one isn't there between two rounds.
    private static let plainKeys = 0..<4
    private static let handleKey = 4
    static let counterKey = 5
    static let pairKeys = [6, 7]
    private static let passingKey = 8
    /// Rounds between two lists of the keys.
    private static let roundsBetweenLists: UInt64 = 128

    private let client: Int
    private let number: Int
    private let row: LoadRow
    /// The segment, attached for writing.
    let segment: Segment
    private let reader: Segment?
    private let handle: Key
    /// What was acknowledged, key by key.
    private var registers: [LoadRow.Register]
    /// The newest version seen of each key of the neighbour.
    var seen = [UInt64](repeating: 0, count: LoadRow.keyCount)
    /// The client whose keys are read too; itself if nobody shares the segment.
    let neighbour: Int
    /// Bytes of the largest values.
    private let largest: Int
    /// The newest generation that may be.
    private let lastGeneration: UInt64
    private var cycleCount: UInt64 = 0
    private let fault: LoadFault?

    /// Attaches as a writer, and as a reader too if `isAlsoReader`.
    init(
        _ session: Session, name: String, client: Int, neighbour: Int, number: Int, row: LoadRow, isAlsoReader: Bool,
        largest: Int, lastGeneration: UInt64, fault: LoadFault?
    ) throws(Finding) {
        self.client = client
        self.neighbour = neighbour
        self.number = number
        self.row = row
        self.largest = largest
        self.lastGeneration = lastGeneration
        self.fault = fault
        let segment = try call("opening '\(name)'") { () throws(SharedMemError) in try session.open(name) }
        segment.lockTimeoutMilliseconds = 60_000
        self.segment = segment
        reader =
            isAlsoReader
            ? try call("opening '\(name)' read-only") { () throws(SharedMemError) in
                try session.open(name, access: .readOnly)
            } : nil
        handle = try call("making a handle") { () throws(SharedMemError) in
            try segment.key(Payload.name(Payload.tag(client: client, key: Self.handleKey)))
        }
        registers = (0..<LoadRow.keyCount).map { _ in LoadRow.Register() }
        let info = try call("describing '\(name)'") { () throws(SharedMemError) in try session.info(of: name) }
        row.noteSegmentID(info.segmentID, number)
    }

    /// Each kind of operation once.
    mutating func cycle(_ random: inout SplitMix, timer: inout CallTimer) throws(Finding) {
        let plain = Self.plainKeys.lowerBound + Int(random.next() % UInt64(Self.plainKeys.count))
        let byteCount = random.next() % 64 == 0 ? largest : 16 + Int(random.next() % 200)
        try set(plain, byteCount, &timer)
        try check(plain, by: segment, &timer)
        try setByHandle(&timer)
        if let reader { try check(plain, by: reader, &timer) }
        try readNeighbour(Int(random.next() % 5), &timer)
        try add(&timer)
        try setPair(&timer)
        try readPair(&timer)
        try setIfUnchanged(&timer)
        try borrow(plain, &timer)
        try setAndDelete(&timer)
        cycleCount += 1
        if cycleCount % Self.roundsBetweenLists == 0 { try list(&timer) }
    }

    /// What the daemon says of the segment must be what it said at first.
    func checkInfo(_ session: Session, timer: inout CallTimer) throws(Finding) {
        let name = segment.name
        let info = try timer.time("describing '\(name)'") { () throws(SharedMemError) in
            try session.info(of: name)
        }
        guard info.segmentID == row.segmentID(number) else {
            throw Finding(
                "segment '\(name)' has become another one: id \(info.segmentID), not \(row.segmentID(number))")
        }
        guard info.generation <= lastGeneration else {
            throw Finding("segment '\(name)' has moved to generation \(info.generation)")
        }
    }
}

// MARK: - Own keys

extension LoadPlace {
    private func key(_ key: Int) -> String { Payload.name(Payload.tag(client: client, key: key)) }

    private func tag(_ key: Int) -> UInt64 { Payload.tag(client: client, key: key) }

    /// Notes an acknowledged set, whose version must be newer than what was known.
    private mutating func acknowledge(_ key: Int, _ number: UInt64, _ version: UInt64) throws(Finding) {
        guard version > registers[key].version else {
            throw Finding(
                "set of '\(self.key(key))': version \(version) was issued after \(registers[key].version)")
        }
        registers[key] = LoadRow.Register(number: number, version: version)
        row.note(registers[key], key, self.number)
    }

    private mutating func set(_ key: Int, _ byteCount: Int, _ timer: inout CallTimer) throws(Finding) {
        let next = registers[key].number + 1
        // The fault: a set that never happened is taken for acknowledged.
        if fault == .acknowledgement, next % 50 == 0 {
            return try acknowledge(key, next, registers[key].version + 1)
        }
        let value = Payload.make(tag: tag(key), number: next, byteCount: byteCount)
        let name = self.key(key)
        let version = try timer.time("set of '\(name)'") { () throws(SharedMemError) in
            try segment.set(name, to: value)
        }
        try acknowledge(key, next, version)
    }

    /// Nobody else sets a client's own key: a get must find what was acknowledged last.
    private func check(_ key: Int, by segment: Segment, _ timer: inout CallTimer) throws(Finding) {
        let name = self.key(key)
        let value = try timer.time("get of '\(name)'") { () throws(SharedMemError) in try segment.get(name) }
        try check(value, key)
    }

    private func check(_ value: [UInt8]?, _ key: Int) throws(Finding) {
        guard let value else {
            if registers[key].number == 0 { return }
            throw Finding(
                "lost: '\(self.key(key))' is gone, value \(registers[key].number) was acknowledged"
                    + " as version \(registers[key].version)")
        }
        let number = try Payload.number(of: value, tag: tag(key))
        guard number == registers[key].number else {
            throw Finding(
                "lost: '\(self.key(key))' has value \(number), \(registers[key].number) was acknowledged"
                    + " as version \(registers[key].version)")
        }
    }

    private mutating func setByHandle(_ timer: inout CallTimer) throws(Finding) {
        let key = Self.handleKey
        let found = try timer.time("get of '\(self.key(key))' by handle") { () throws(SharedMemError) in
            try handle.get()
        }
        try check(found, key)
        let value = Payload.make(tag: tag(key), number: registers[key].number + 1, byteCount: 64)
        let version = try timer.time("set of '\(self.key(key))' by handle") { () throws(SharedMemError) in
            try unsafe handle.set(to: value.span.bytes)
        }
        try acknowledge(key, registers[key].number + 1, version)
    }

    /// Sets a key only if it has the version that was acknowledged, which it must have.
    private mutating func setIfUnchanged(_ timer: inout CallTimer) throws(Finding) {
        let key = Self.plainKeys.lowerBound
        let name = self.key(key)
        let register = registers[key]
        let value = Payload.make(tag: tag(key), number: register.number + 1, byteCount: 32)
        let version = try timer.time("conditional set of '\(name)'") { () throws(SharedMemError) in
            try segment.set(name, to: value, .ifVersion(register.version))
        }
        try acknowledge(key, register.number + 1, version)
    }

    /// Is lent a value.
    private func borrow(_ key: Int, _ timer: inout CallTimer) throws(Finding) {
        let name = self.key(key)
        let value = try timer.time("loan of '\(name)'") { () throws(SharedMemError) in
            try segment.withValue(of: name) { (bytes, _) throws(SharedMemError) in
                unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
            }
        }
        try check(value, key)
    }

    /// Sets a key, which then must be there, and deletes it.
    private func setAndDelete(_ timer: inout CallTimer) throws(Finding) {
        let name = key(Self.passingKey)
        _ = try timer.time("set of '\(name)'") { () throws(SharedMemError) in try segment.set(name, to: [1, 2, 3]) }
        let wasThere = try timer.time("delete of '\(name)'") { () throws(SharedMemError) in
            try segment.delete(name)
        }
        guard wasThere else { throw Finding("lost: '\(name)' was not there to be deleted") }
        let value = try timer.time("get of '\(name)'") { () throws(SharedMemError) in try segment.get(name) }
        guard value == nil else { throw Finding("'\(name)' is there although it was deleted") }
    }

    /// All keys that were set are in a list of the keys.
    private func list(_ timer: inout CallTimer) throws(Finding) {
        let names = try timer.time("list of the keys") { () throws(SharedMemError) in
            var names: [[UInt8]] = []
            var cursor: UInt64 = 0
            while let name = try segment.nextKey(after: &cursor, prefix: Array("c\(client)-".utf8)) {
                names.append(name)
            }
            return names
        }
        for key in registers.indices where registers[key].number > 0 {
            let name = self.key(key)
            let count = names.count { $0 == Array(name.utf8) }
            guard count == 1 else { throw Finding("'\(name)' is \(count) times in a list of the keys") }
        }
    }

    /// Counts up; the version is not known.
    private mutating func add(_ timer: inout CallTimer) throws(Finding) {
        let key = Self.counterKey
        let name = self.key(key)
        let sum = try timer.time("add to '\(name)'") { () throws(SharedMemError) in try segment.add(1, to: name) }
        guard sum == Int64(registers[key].number) + 1 else {
            throw Finding("lost: the counter '\(name)' is \(sum) after \(registers[key].number) and one more")
        }
        registers[key].number += 1
        row.note(registers[key], key, number)
    }

    /// Sets two keys at once.
    private mutating func setPair(_ timer: inout CallTimer) throws(Finding) {
        let next = registers[Self.pairKeys[0]].number + 1
        let names = Self.pairKeys.map { key($0) }
        let values = Self.pairKeys.map { Payload.make(tag: tag($0), number: next, byteCount: 64) }
        let version = try timer.time("transaction on '\(names[0])'") { () throws(SharedMemError) in
            var transaction = Transaction(segment)
            for (name, value) in zip(names, values) { try transaction.set(name, to: value) }
            return try transaction.commit()
        }
        for key in Self.pairKeys { try acknowledge(key, next, version) }
    }
}
