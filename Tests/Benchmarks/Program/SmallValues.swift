internal import CBenchmarkFloors
internal import SharedMem

/// Get and set of 64 bytes, drawn among 1,000 keys.
struct SmallValues {
    /// What is done wrongly, to show that it would be noticed.
    enum Fault: String, CaseIterable {
        /// One of two equal rows does something else for 5 ns behind each get.
        case delay
        /// A row doesn't read.
        case nothingRead = "nothing-read"
    }

    private static var keyCount: Int { 1000 }

    private let place: Place
    private let fault: Fault?
    private let draws: Draws

    init(_ place: Place, fault: Fault?) throws {
        self.place = place
        self.fault = fault
        draws = try Draws(keyCount: Self.keyCount, isWritable: true)
    }

    /// Measures all rows.
    func measure() throws -> Section {
        try place.withSegment("small", byteCount: 16 << 20) { segment in
            try segment.fill(Self.keyCount)
            var rows = try floors() + store(segment)
            var missing: [Measurement] = []
            for candidate in Rivals.all where fault == nil {
                switch try place.open(candidate, beside: segment, keyCount: Self.keyCount) {
                case .success(let rival): rows += Self.rows(candidate.name, draws, rival)
                case .failure(let failure): missing.append(Measurement(candidate.name, note: failure.description))
                }
            }
            let differences = fault == .delay ? [Self.delayed] : Self.differences
            let schedule = Schedule(rows, differences: differences, rounds: place.extent.rounds)
            let measurements = try schedule.measure()
            _ = try segment.audit()
            if fault == .delay { try Self.look(for: 5, in: measurements) }
            return Section(title: "64 B, 1,000 keys", keyCount: Self.keyCount, rows: measurements + missing)
        }
    }

    private static var getFloor: String { "get: C sequence lock with look-up" }
    private static var setFloor: String { "set: C sequence lock with look-up" }

    private static func rows(
        _ name: String, _ draws: Draws, _ variant: any Variant, getGoal: Double? = nil, setGoal: Double? = nil
    ) -> [Row] {
        [
            Row("get: \(name)", .get, draws, variant, floor: getFloor, goal: getGoal),
            Row("set: \(name)", .set, draws, variant, floor: setFloor, goal: setGoal),
        ]
    }

    private func floors() throws -> [Row] {
        let copy = try Rival(floor_copy_rival, keyCount: Self.keyCount)
        let sequence = try Rival(floor_sequence_rival, keyCount: Self.keyCount)
        let table = try Rival(floor_table_rival, keyCount: Self.keyCount)
        let mutex = try Rival(floor_mutex_rival, keyCount: Self.keyCount)
        return Self.rows("memcpy", draws, copy) + Self.rows("C sequence lock", draws, sequence)
            + [
                Row(Self.getFloor, .get, draws, table, floor: "get: memcpy"),
                Row(Self.setFloor, .set, draws, table, floor: "set: memcpy"),
            ] + Self.rows("C hash table, robust mutex, memcpy", draws, mutex)
    }

    private static var oneAtATime: String { "get: by handle, one at a time" }
    private static var oneAtATimeAgain: String { "get: the same once more, for the noise" }

    private func store(_ segment: Segment) throws -> [Row] {
        let handles = try HandleStore(segment, draws, fault: fault == .nothingRead ? .nothingRead : nil)
        let again = OneAtATime(handles, delayedBy: fault == .delay ? 5 : 0)
        return Self.rows("sharedmemd by handle", draws, handles, getGoal: 1.75, setGoal: 4)
            + Self.rows("sharedmemd by name", draws, NamedStore(segment), getGoal: 2.5, setGoal: 4.5)
            + [
                Row(Self.oneAtATime, .get, draws, OneAtATime(handles)),
                Row(Self.oneAtATimeAgain, .get, draws, again, floor: Self.oneAtATime),
            ]
    }

    /// What a call of the C library costs more than the Swift function that it calls.
    private static var differences: [Difference] {
        ["get", "set"].flatMap { work in
            ["name", "handle"].map { way in
                Difference(
                    "\(work): what libsharedmem adds to sharedmemd by \(way)",
                    of: "\(work): \(Rivals.library) by \(way)", beyond: "\(work): sharedmemd by \(way)", goal: 5)
            }
        }
    }

    /// What one of two equal rows takes beyond the other.
    private static var delayed: Difference {
        Difference("get: what the delay adds", of: oneAtATimeAgain, beyond: oneAtATime)
    }

    /// Throws if the two equal rows differ by about so many nanoseconds.
    private static func look(for delay: Double, in measurements: [Measurement]) throws {
        guard let difference = measurements.first(where: { $0.name == delayed.name })?.median else {
            throw Failure("the row with a delay is missing")
        }
        guard difference < delay / 2 || difference > delay * 2 else {
            throw Failure("'\(oneAtATimeAgain)' takes \(Table.number(difference, 2)) ns more than '\(oneAtATime)'")
        }
    }
}
