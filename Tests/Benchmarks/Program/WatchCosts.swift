internal import CBenchmarkFloors
internal import SharedMem
internal import SharedMemStore

/// What a set costs beside so many watchers, all of which sleep when it begins: of its key, of others, of everything.
struct WatchCosts {
    private let place: Place
    private let clock = TickClock()

    init(_ place: Place) { self.place = place }

    private static let segmentName = "watched"

    /// What is watched, seen from the set.
    enum Watched: String, CaseIterable {
        case otherStripe = "of another key"
        case sameStripe = "of another key in its stripe"
        case key = "of its key"
        case segment = "of the segment"

        /// Whether its watchers sleep on.
        var sleepsOn: Bool { self == .otherStripe }
        /// Whether its watchers have something new after each set.
        var seesChange: Bool { self == .key || self == .segment }
    }

    /// Measures all rows.
    func measure() throws -> Section {
        try place.withSegment(Self.segmentName, byteCount: 16 << 20) { segment in
            try segment.fill(1)
            let nobody = try Crowd(place, segment: Self.segmentName, .otherStripe, [], count: 0)
            let floor = try sample(segment, nobody, rounds: place.extent.rounds)
            var rows = [Measurement("nobody watches", floor)]
            for watched in Watched.allCases {
                let key = try Self.key(for: watched, in: segment)
                for count in [1, 10, 1000] {
                    place.say("\(count) watchers \(watched.rawValue)")
                    let crowd = try Crowd(place, segment: Self.segmentName, watched, key, count: count)
                    let rounds = watched.sleepsOn ? place.extent.rounds : place.extent.rounds / (count > 100 ? 20 : 4)
                    let times = try sample(segment, crowd, rounds: rounds)
                    rows.append(Measurement("\(count) \(watched.rawValue)", times, floor: (rows[0].name, floor)))
                }
            }
            _ = try segment.audit()
            return Section(title: "64 B, a set beside sleeping watchers", keyCount: 1, rows: rows)
        }
    }

    /// The nanoseconds of a set, round by round.
    private func sample(_ segment: Segment, _ crowd: Crowd, rounds: Int) throws -> [Double] {
        let draws = try Draws(keyCount: 1, isWritable: true)
        let key = try Key(Wakes.key, in: segment)
        // What wakes nobody is too short for a clock.
        let count = crowd.watched.sleepsOn ? 256 : 1
        return try (0..<rounds).map { _ in
            draws.nextGeneration()
            let value = unsafe draws.value(of: 0)
            try crowd.expectSleep()
            let start = benchmark_ticks()
            for _ in 0..<count { try unsafe key.set(to: value.bytes) }
            let time = benchmark_ticks() - start
            crowd.noteSet()
            return clock.nanoseconds(time) / Double(count)
        }
    }

    /// The key that is watched.
    private static func key(for watched: Watched, in segment: Segment) throws -> [UInt8] {
        guard watched == .otherStripe || watched == .sameStripe else { return Wakes.key }
        let own = try stripe(of: Wakes.key, in: segment)
        for number in 1..<100_000 {
            let key = Draws.key(ofNumber: number)
            if (try stripe(of: key, in: segment) == own) == (watched == .sameStripe) { return key }
        }
        throw Failure("no key has another's stripe")
    }

    private static func stripe(of key: [UInt8], in segment: Segment) throws(SharedMemError) -> Int {
        try segment.withStore { (store) throws(StoreError) in
            unsafe key.withUnsafeBytes { unsafe store.notifyIndex(of: $0) }
        }
    }
}
