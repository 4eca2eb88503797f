internal import ArgumentParser

/// How long a value lives, as people write it: 500ms, 30s, 5m, 2h, 7d.
enum Lifetime {
    /// The units by their letters, in milliseconds.
    private static let units: [(letters: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// The longest one, in milliseconds: a hundred years of 365 days.
    private static let limit: Int64 = 36_500 * 86_400_000

    /// Reads a lifetime above 0, or throws a sentence that says what one looks like.
    static func parse(_ text: String) throws -> Duration {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let unit = units.first(where: { $0.letters == text[digits.endIndex...] }) else {
            throw ValidationError("a duration is a whole number with ms, s, m, h or d, as in 500ms, 30s, 5m, 2h or 7d")
        }
        // Nil: too many digits for 64 bits.
        guard let number = Int64(digits), number <= limit / unit.milliseconds else {
            throw ValidationError("a value lives 36500d at most; one without --expires-in never expires")
        }
        guard number > 0 else { throw ValidationError("a duration is above 0") }
        return .milliseconds(number * unit.milliseconds)
    }

    /// Writes a time in its largest unit and the next smaller one, rounded down, as in "4 m 59 s"; below a second in ms.
    static func text(milliseconds: UInt64) -> String {
        let index = units.lastIndex { UInt64($0.milliseconds) <= milliseconds } ?? 0
        let unit = units[index]
        let text = "\(milliseconds / UInt64(unit.milliseconds)) \(unit.letters)"
        guard index > 1 else { return text }
        let smaller = units[index - 1]
        let rest = milliseconds % UInt64(unit.milliseconds) / UInt64(smaller.milliseconds)
        return rest == 0 ? text : text + " \(rest) \(smaller.letters)"
    }
}
