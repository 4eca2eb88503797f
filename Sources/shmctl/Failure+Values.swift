internal import SharedMem

extension Failure {
    /// A condition that wasn't met: `key` of `segment` has the version `actual`, 0 if it doesn't exist.
    static func versionDiffers(_ segment: String, _ key: [UInt8], expected: UInt64, actual: UInt64) -> Failure {
        let name = TerminalText.quoted(key)
        let fact =
            switch (expected, actual) {
            case (0, _): "segment '\(segment)' has the key \(name) already, with version \(actual)"
            case (_, 0): "segment '\(segment)' has no key \(name), and version \(expected) was asked for"
            default: "the key \(name) of segment '\(segment)' has version \(actual), not \(expected)"
            }
        return Failure(.notMet, fact)
    }

    /// A value that can't be added to: its type isn't a number's, or it isn't written as one.
    static func notAnInteger(_ segment: String, _ key: [UInt8], _ type: ValueType?) -> Failure {
        let fact = type.map { " (its type is \($0.text))" } ?? ""
        return Failure(
            .usage,
            "the key \(TerminalText.quoted(key)) of segment '\(segment)' holds no whole number\(fact): "
                + "add works on an int64 and on text that is one")
    }

    /// A sum that doesn't fit.
    static func sumOutOfRange(_ segment: String, _ key: [UInt8]) -> Failure {
        Failure(
            .full, "the sum for the key \(TerminalText.quoted(key)) of segment '\(segment)' doesn't fit into 64 bits")
    }
}
