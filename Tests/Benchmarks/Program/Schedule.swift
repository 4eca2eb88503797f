internal import CBenchmarkFloors

/// Runs rows in turn, a slice of about 0.1 ms each, so that all of them meet the same machine.
struct Schedule {
    private let rows: [Row]
    private let differences: [Difference]
    private let rounds: Int

    /// A slice's length.
    private static var sliceNanoseconds: UInt64 { 100_000 }

    /// Every row in each of `rounds` rounds, and the differences between such rows as are there.
    init(_ rows: [Row], differences: [Difference] = [], rounds: Int) {
        self.rows = rows
        self.differences = differences
        self.rounds = rounds
    }

    /// Measures all rows; throws if one produced a wrong value, or spoiled its memory before it was measured.
    func measure() throws -> [Measurement] {
        var counts: [Int] = []
        for row in rows {
            counts.append(try calibrate(row))
            try row.audit()
        }
        var times = [[Double]](repeating: [], count: rows.count)
        for _ in 0..<rounds {
            // In another order each time, so that no row always comes behind the same one.
            for index in rows.indices.shuffled() { times[index].append(try slice(rows[index], counts[index])) }
        }
        let measurements = rows.indices.map { index in
            let row = rows[index]
            let floor = rows.firstIndex { $0.name == row.floor }
            return Measurement(
                row.name, times[index], floor: floor.map { (rows[$0].name, times[$0]) }, goal: row.goal)
        }
        return measurements + differences.compactMap { measure($0, times) }
    }

    /// A difference between two rows; nil: one of them isn't there.
    private func measure(_ difference: Difference, _ times: [[Double]]) -> Measurement? {
        guard let row = rows.firstIndex(where: { $0.name == difference.row }),
            let base = rows.firstIndex(where: { $0.name == difference.base })
        else { return nil }
        return Measurement(
            difference.name, times[row], beyond: (difference.base, times[base]), goal: difference.goal)
    }

    /// The nanoseconds of one piece of work in one slice.
    private func slice(_ row: Row, _ count: Int) throws -> Double {
        row.prepare()
        try row.warmUp()
        let time = try row.run(count)
        try row.verify(after: count)
        return Double(time) / Double(count)
    }

    /// How many pieces of work fill a slice.
    private func calibrate(_ row: Row) throws -> Int {
        var count = row.wholeBatches(1)
        while true {
            row.prepare()
            try row.warmUp()
            let time = try row.run(count)
            try row.verify(after: count)
            if time >= Self.sliceNanoseconds {
                return row.wholeBatches(count * Int(Self.sliceNanoseconds) / Int(time))
            }
            count *= 2
        }
    }
}
