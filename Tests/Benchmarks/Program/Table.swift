/// Sections as a table: for people, or in Markdown.
struct Table {
    private let sections: [Section]

    init(_ sections: [Section]) { self.sections = sections }

    private static var head: [String] { ["median", "p99", "to floor", "goal", ""] }

    /// Aligned columns.
    var text: String {
        let names = sections.flatMap(\.rows).map(\.name.count)
        let width = (names + sections.map(\.title.count)).max() ?? 0
        return sections.map { section in
            let head = Self.line(section.title, Self.head, width)
            let rows = section.rows.map { row in
                row.note.map { row.name.padding(to: width) + "  " + $0 } ?? Self.line(row.name, cells(row), width)
            }
            return ([head, String(repeating: "-", count: head.count)] + rows).joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }

    /// A table of Markdown for each section, without the goals.
    var markdown: String {
        sections.map { section in
            let head = "| \(section.title) | median | p99 | to floor |\n| --- | --: | --: | --: |\n"
            let rows = section.rows.map { row in
                row.note.map { "| \(row.name) | \($0) | | |" }
                    ?? "| \(row.name) | " + cells(row).prefix(3).joined(separator: " | ") + " |"
            }
            return head + rows.joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }

    private func cells(_ row: Measurement) -> [String] {
        let unit = row.unit == "ns" ? "" : " " + row.unit
        let verdict = row.goal == nil ? "" : row.miss.map { "missed by \(Self.number(($0 - 1) * 100, 0)) %" } ?? "met"
        return [
            row.median.map { Self.number($0, $0 < 1000 ? 2 : 0) + unit } ?? "",
            row.percentile99.map { Self.number($0, $0 < 1000 ? 2 : 0) } ?? "",
            row.ratio.map { Self.number($0, 2) } ?? "", row.goal.map { "≤ " + Self.number($0, 2) } ?? "", verdict,
        ]
    }

    private static func line(_ name: String, _ cells: [String], _ width: Int) -> String {
        var line = name.padding(to: width)
        for cell in cells.dropLast() { line += String(repeating: " ", count: max(1, 12 - cell.count)) + cell }
        return line + "  " + (cells.last ?? "")
    }

    /// A number with so many decimals.
    static func number(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "?" }
        let scale = decimals == 0 ? 1.0 : 100.0
        let scaled = Int((value.magnitude * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if decimals == 0 { return "\(sign)\(scaled)" }
        return "\(sign)\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
    }
}

extension String {
    /// The text with spaces behind it up to `width` characters.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
