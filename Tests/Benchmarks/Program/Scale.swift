internal import CBenchmarkFloors
internal import SharedMem
internal import SharedMemStore

/// Get of 64 bytes among more and more keys, each equally likely; bytes an entry.
struct Scale {
    private let place: Place

    init(_ place: Place) { self.place = place }

    /// Measures every number of keys.
    func measure() throws -> [Section] {
        try place.extent.keyCounts.map { count in
            place.say("  \(count) keys")
            return try measure(count)
        }
    }

    /// The number of keys that the goals are about.
    private static var goalKeyCount: Int { 1_000_000 }

    /// The names of the rows, which the plot's data are made of.
    static let names = (
        floor: "get: C sequence lock with look-up", handle: "get: sharedmemd by handle",
        name: "get: sharedmemd by name",
        lmdb: "get: LMDB on tmpfs"
    )

    private func measure(_ count: Int) throws -> Section {
        try place.withSegment(
            "scale", byteCount: Place.byteCount(forKeys: count), entryCount: count
        ) { segment in
            try segment.fill(count)
            let draws = try Draws(keyCount: count)
            // The floor lies in pages of the segment's size: look-ups in small ones wait for the page tables, too.
            let pages = try HugePages(of: "sharedmem:scale")
            let isHuge = pages.share > 0.5
            let floor = try Rival(
                isHuge ? floor_table_rival : floor_small_page_table_rival, keyCount: count)
            let floorPages = try HugePages(of: "benchmark-floor")
            var rows = [Row(Self.names.floor, .get, draws, floor)]
            if count == Self.goalKeyCount, !isHuge {
                let best = try Rival(floor_table_rival, keyCount: count)
                rows.append(Row("\(Self.names.floor), in huge pages", .get, draws, best, floor: Self.names.floor))
            }
            rows += try Self.store(segment, draws, goal: isHuge ? 1.5 : 1.75)
            var notes: [Measurement] = []
            for candidate in Rivals.all where candidate.isForManyKeys {
                switch try place.open(candidate, beside: segment, keyCount: count) {
                case .success(let rival):
                    rows.append(Row("get: \(candidate.name)", .get, draws, rival, floor: Self.names.floor))
                case .failure(let failure):
                    notes.append(Measurement("get: \(candidate.name)", note: failure.description))
                }
            }
            if count == Self.goalKeyCount {
                notes.append(Measurement("in huge pages: C sequence lock", floorPages.share * 100, unit: "%"))
                notes.append(Measurement("in huge pages: sharedmemd", pages.share * 100, unit: "%"))
            }
            // More rounds would draw the same keys again.
            let measurements = try Schedule(rows, rounds: min(place.extent.rounds, 500)).measure()
            _ = try segment.audit()
            return Section(title: "64 B, \(Self.grouped(count)) keys", keyCount: count, rows: measurements + notes)
        }
    }

    /// The store's rows; the goals are those for one number of keys.
    private static func store(_ segment: Segment, _ draws: Draws, goal: Double) throws -> [Row] {
        let isGoal = draws.keyCount == goalKeyCount
        let handles = try HandleStore(segment, draws)
        let rows = [
            Row(names.handle, .get, draws, handles, floor: names.floor, goal: isGoal ? goal : nil),
            Row(names.name, .get, draws, NamedStore(segment), floor: names.floor, goal: isGoal ? goal : nil),
        ]
        guard isGoal else { return rows }
        let parts = SixteenAtOnce(segment, draws, inArrays: false)
        let arrays = SixteenAtOnce(segment, draws, inArrays: true)
        return rows + [
            Row("get: sharedmemd, 16 at once into a buffer, a key", .get, draws, parts, floor: names.name, goal: 0.6),
            Row("get: sharedmemd, 16 at once as arrays, a key", .get, draws, arrays, floor: names.name),
        ]
    }

    private static func grouped(_ number: Int) -> String {
        number < 1000 ? String(number) : grouped(number / 1000) + "," + String(String(number % 1000 + 1000).dropFirst())
    }

    // MARK: - Bytes an entry

    /// Measures what entries of 16 + 64 bytes take: the index, their records, and the lock file.
    func entrySizes() throws -> Section {
        let rows = try [1_000_000, 1_500_000].map { count in
            let name = "\(Self.grouped(count)) entries of 16 + 64 B"
            return try place.withSegment(
                "entries", byteCount: Place.byteCount(forKeys: count), entryCount: count
            ) {
                segment in
                try segment.fill(count)
                let audit = try segment.audit()
                guard audit.recordCount == count else {
                    throw Failure("the segment holds \(audit.recordCount) keys, not \(count)")
                }
                let info = try place.info(of: "entries")
                let used = Int(info.byteCount + info.lockByteCount) - audit.freeGranuleCount * 64
                return Measurement(name, Double(used) / Double(count), unit: "B", goal: 140)
            }
        }
        return Section(title: "bytes an entry", keyCount: 0, rows: rows)
    }
}
