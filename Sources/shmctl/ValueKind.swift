internal import ArgumentParser
internal import SharedMem

/// How a value's bytes are meant, as the command line names it.
enum ValueKind: String, ExpressibleByArgument, CaseIterable {
    /// Any bytes.
    case bytes
    /// UTF-8.
    case text
    /// A signed 64-bit integer.
    case int64
    /// A 64-bit floating-point number.
    case double

    /// The tag that a value of this kind carries.
    var type: ValueType {
        switch self {
        case .bytes: .bytes
        case .text: .utf8
        case .int64: .int64
        case .double: .double
        }
    }
}

extension ValueType {
    /// What the type is called; one that only its own program knows is a tag and its number.
    var text: String {
        ValueKind.allCases.first { $0.type == self }?.rawValue ?? "tag \(rawValue)"
    }
}
