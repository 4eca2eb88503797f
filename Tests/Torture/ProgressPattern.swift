internal import ArgumentParser

/// What the writer of `progress` does without pause.
enum ProgressPattern: String, ExpressibleByArgument, CaseIterable {
    /// Sets one key to values of 64 bytes.
    case small
    /// Sets one key to values of 64 KiB.
    case medium
    /// Sets one key to values of 1 MiB.
    case large
    /// Sets one key to 1 MiB, then 16 times another to 64 bytes.
    case mixed

    /// The key that is read.
    static let key: [UInt8] = Array("reading".utf8)
    /// The key that `mixed` sets in between.
    static let otherKey: [UInt8] = Array("other".utf8)

    /// The segment that the pattern has for itself.
    var segmentName: String { "progress-\(rawValue)" }

    /// Bytes of the value that is read.
    var byteCount: Int {
        switch self {
        case .small: 64
        case .medium: 64 << 10
        case .large, .mixed: 1 << 20
        }
    }

    /// Sets of the other key after each set.
    var otherCount: Int { self == .mixed ? 16 : 0 }

    /// Commits that a slow reader waits for in the middle of each attempt.
    var commitsToWaitFor: UInt64 { self == .small ? 4 : 1 }

    /// Gets that are made: 2 GiB in all, 2,000 at least and 100,000 at most.
    var getCount: Int { max(2000, min(100_000, (2 << 30) / byteCount)) }

    /// The values in turn: each is one 8-byte word again and again, so that any two of them together are found out.
    var values: [[UInt8]] {
        (1...8).map { number in
            var value = (0..<8).map { UInt8(truncatingIfNeeded: number &* 37 &+ $0) }
            while value.count < byteCount { value += value }
            return value
        }
    }
}
