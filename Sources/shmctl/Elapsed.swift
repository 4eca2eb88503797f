/// A length of time as people say it.
enum Elapsed {
    /// Writes `nanoseconds` in the largest unit that it fills, as in "12 ms", "3.4 s" or "5 min".
    static func text(nanoseconds: UInt64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        switch milliseconds {
        case 0..<1000: return "\(milliseconds) ms"
        case 1000..<60_000: return "\(milliseconds / 1000).\(milliseconds / 100 % 10) s"
        case 60_000..<3_600_000: return "\(milliseconds / 60_000) min"
        default: return "\(milliseconds / 3_600_000) h"
        }
    }
}
