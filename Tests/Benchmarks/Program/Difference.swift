/// A line of a table that says how much more time one row takes than another one, in the median slice by slice.
struct Difference {
    /// What it is called in the table.
    let name: String
    /// The row that takes more.
    let row: String
    /// The row whose time is subtracted.
    let base: String
    /// The nanoseconds that it should be at most; nil: whatever they are.
    let goal: Double?

    /// What `row` takes beyond `base`.
    init(_ name: String, of row: String, beyond base: String, goal: Double? = nil) {
        self.name = name
        self.row = row
        self.base = base
        self.goal = goal
    }
}
