/// What a descriptor is called that the service manager keeps.
///
/// Names are short and never a segment's: all of them together are one variable of the next process's environment.
package enum StoredName: Equatable, Sendable {
    /// The session table: `table`.
    case table
    /// The life file: `life`.
    case life
    /// A generation's data file: `d3.1` for segment id 3, generation 1.
    case data(segmentID: UInt64, generation: UInt64)
    /// A generation's lock file: `l3.1`.
    case lock(segmentID: UInt64, generation: UInt64)

    /// Reads a name; nil: no daemon gave it.
    package init?(_ text: String) {
        switch text {
        case "table": self = .table
        case "life": self = .life
        default:
            let numbers = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
            guard numbers.count == 2, let segmentID = numbers[0], let generation = numbers[1] else { return nil }
            switch text.utf8.first {
            case UInt8(ascii: "d"): self = .data(segmentID: segmentID, generation: generation)
            case UInt8(ascii: "l"): self = .lock(segmentID: segmentID, generation: generation)
            default: return nil
            }
        }
    }

    /// Reads a number as it's written: from 1, without a sign and zeros in front.
    private static func number(_ digits: Substring) -> UInt64? {
        guard let first = digits.utf8.first, (UInt8(ascii: "1")...UInt8(ascii: "9")).contains(first) else { return nil }
        return UInt64(digits)
    }
}

extension StoredName: CustomStringConvertible {
    /// The name.
    package var description: String {
        switch self {
        case .table: "table"
        case .life: "life"
        case .data(let segmentID, let generation): "d\(segmentID).\(generation)"
        case .lock(let segmentID, let generation): "l\(segmentID).\(generation)"
        }
    }
}
