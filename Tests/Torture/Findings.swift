/// What a check found wrong: a line on standard output for each.
final class Findings {
    private var count = 0

    /// Whether nothing wrong was seen.
    var areNone: Bool { count == 0 }

    /// Runs one check and prints what it threw as `wrong: NAME: …`, at most ten times in all.
    func note(_ name: String, _ check: () throws(Wrong) -> Void) {
        do throws(Wrong) {
            try check()
        } catch {
            count += 1
            if count <= 10 { print("wrong: \(name): \(error.description)") }
        }
    }
}

/// A share as a text, with one decimal.
func percent(_ share: Double) -> String { oneDecimal(share * 100) + " %" }

/// A number as a text, with one decimal.
func oneDecimal(_ number: Double) -> String {
    let tenths = Int((number * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
}
