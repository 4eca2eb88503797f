/// What was measured of one row, or why nothing was.
struct Measurement: Codable {
    /// The row's name.
    let name: String
    /// What the numbers are.
    var unit = "ns"
    /// The median of the slices, for one piece of work.
    var median: Double?
    /// The 99th percentile of the slices.
    var percentile99: Double?
    /// The row that the ratio refers to.
    var floor: String?
    /// The median of the ratios to the floor, slice by slice.
    var ratio: Double?
    /// The row whose times were subtracted, slice by slice: the numbers are those of the differences.
    var base: String?
    /// The ratio that it should have at most; of a row without floor, and of a difference: the median.
    var goal: Double?
    /// Why there are no numbers.
    var note: String?

    /// The measurement of a row from its slices and those of its floor.
    init(_ name: String, _ times: [Double], floor: (name: String, times: [Double])? = nil, goal: Double? = nil) {
        self.name = name
        median = Self.quantile(times, 0.5)
        percentile99 = Self.quantile(times, 0.99)
        self.floor = floor?.name
        ratio = floor.map { floor in Self.quantile(zip(times, floor.times).map { $0 / $1 }, 0.5) }
        self.goal = goal
    }

    /// What slices take beyond those of another row in the same rounds.
    init(_ name: String, _ times: [Double], beyond base: (name: String, times: [Double]), goal: Double?) {
        self.init(name, zip(times, base.times).map { $0 - $1 }, goal: goal)
        self.base = base.name
    }

    /// A row that can't be measured here.
    init(_ name: String, note: String) {
        self.name = name
        self.note = note
    }

    /// A number that was found in one go.
    init(_ name: String, _ value: Double, unit: String = "ns", goal: Double? = nil) {
        self.name = name
        self.unit = unit
        median = value
        self.goal = goal
    }

    /// By how much the goal was missed, as a factor; nil: there is none, or it was met.
    var miss: Double? {
        guard let goal, let value = ratio ?? median, value > goal else { return nil }
        return value / goal
    }

    /// The value below which `part` of the values are.
    static func quantile(_ values: [Double], _ part: Double) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
}

/// The rows that were measured together.
struct Section: Codable {
    /// What they have in common.
    let title: String
    /// Keys in the segment.
    let keyCount: Int
    /// The rows.
    let rows: [Measurement]
}
