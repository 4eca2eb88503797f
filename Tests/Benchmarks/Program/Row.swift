internal import LinuxIPC

/// One thing that is measured: does its work `count` times and says whether every result was right.
struct Row {
    /// What it is called in the table.
    let name: String
    /// The row that its ratio refers to; nil: none.
    let floor: String?
    /// Does the work; false: a value was wrong.
    let run: (_ count: Int) -> Bool
}

/// What was measured of one row.
struct Measurement {
    /// The row's name.
    let name: String
    /// Nanoseconds for one piece of work: the median of the slices.
    let median: Double
    /// The 99th percentile of the slices.
    let percentile99: Double
    /// The median of the ratios to the floor, slice by slice.
    let ratio: Double?
}

/// Runs rows in turn, a slice of about 0.1 ms each, so that all of them meet the same machine.
struct Schedule {
    private let rows: [Row]
    private let sliceNanoseconds: UInt64 = 100_000

    init(_ rows: [Row]) { self.rows = rows }

    /// Measures `rounds` slices of each row; throws if a row produced a wrong value.
    func measure(rounds: Int) throws(WrongValue) -> [Measurement] {
        var counts: [Int] = []
        for row in rows { counts.append(try calibrate(row)) }
        var times = [[Double]](repeating: [], count: rows.count)
        for _ in 0..<rounds {
            for (index, row) in rows.enumerated() {
                let start = SystemClock.monotonic()
                let isRight = row.run(counts[index])
                let end = SystemClock.monotonic()
                guard isRight else { throw WrongValue(row: row.name) }
                times[index].append(Double(end - start) / Double(counts[index]))
            }
        }
        return rows.indices.map { index in
            let floor = rows.firstIndex { $0.name == rows[index].floor }
            let ratios = floor.map { floor in zip(times[index], times[floor]).map { $0 / $1 } }
            return Measurement(
                name: rows[index].name, median: Self.quantile(times[index], 0.5),
                percentile99: Self.quantile(times[index], 0.99), ratio: ratios.map { Self.quantile($0, 0.5) })
        }
    }

    /// How many pieces of work fill a slice.
    private func calibrate(_ row: Row) throws(WrongValue) -> Int {
        var count = 1
        while true {
            let start = SystemClock.monotonic()
            guard row.run(count) else { throw WrongValue(row: row.name) }
            let time = SystemClock.monotonic() - start
            if time >= sliceNanoseconds { return max(1, count * Int(sliceNanoseconds) / Int(time)) }
            count *= 2
        }
    }

    static func quantile(_ values: [Double], _ part: Double) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
}

/// A row that read something else than what was written: its times mean nothing.
struct WrongValue: Error, CustomStringConvertible {
    /// Which row.
    let row: String
    var description: String { "'\(row)' produced a wrong value: its times mean nothing" }
}
