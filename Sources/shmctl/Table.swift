/// Rows of text in columns.
struct Table {
    /// The rows, the heads first; all have as many cells as the first.
    var rows: [[String]]

    /// The table as lines, with two spaces between columns and none at a line's end.
    var lines: [String] {
        guard let first = rows.first else { return [] }
        let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                column == row.count - 1 ? row[column] : Self.padded(row[column], to: widths[column] + 2)
            }.joined()
        }
    }

    /// Adds spaces to `text` until it is `width` characters wide.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
