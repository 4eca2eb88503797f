import SharedMemStore
import Testing

/// Reads of two keys as of one moment, beside a writer that is at any of its stores at each of the three loads.
@Suite struct ConsistentReadTests {
    static let operations: [@Sendable (Store) throws -> Void] = [
        { try $0.transact([([1], [10]), ([2], [20])]) },
        { try $0.put([1], [11]) },
        { try $0.transact([([1], [12]), ([2], [22])]) },
        { try $0.remove([2]) },
        { try $0.transact([([1], nil), ([2], [23, 24])]) },
        { try $0.put([1], [14]) },
        { try $0.transact([([1], [15]), ([2], nil)]) },
    ]

    @Test func onlyStatesThatWereAreSeen() throws {
        let play = try Play(Self.operations)
        let pairs = play.pairs()
        #expect(pairs.mixed.isEmpty)
        #expect(pairs.acceptedCount > 30)
        #expect(play.states.allSatisfy(pairs.seen.contains), "every state is seen by somebody")
    }

    @Test func writerThatIsStoppedKeepsNobodyWaiting() throws {
        let play = try Play(Self.operations)
        for count in play.moments.indices {
            let found = play.sightings[count][Int(play.moments[count])]
            #expect(!found.contains(.changed), "after store \(count)")
        }
    }

    @Test func readersWithoutAMomentSeeMixtures() throws {
        #expect(try !Play(fault: .momentIgnored, Self.operations).pairs().mixed.isEmpty)
    }
}

/// What was found of a key.
private enum Found: Hashable {
    /// It has changed since the moment.
    case changed
    /// Its value; nil: there is no such key.
    case value([UInt8]?)
}

/// A writer's stores, and what a reader finds after each of them that makes a difference to readers.
private struct Play {
    /// The commit number after each of these stores.
    private(set) var moments: [UInt64] = []
    /// After each of them, and for each moment up to the last one, what is found of both keys.
    private(set) var sightings: [[[Found]]] = []
    /// Both keys between the operations.
    private(set) var states: [[Found]] = []

    private static let keys: [[UInt8]] = [[1], [2]]

    /// Plays `operations` to a reader with a fault or without.
    init(fault: SeededFault? = nil, _ operations: [@Sendable (Store) throws -> Void]) throws {
        let segment = TestSegment(Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 60))
        let copy = TestSegment(segment.image)
        // The stores live as long as what they work on.
        defer { withExtendedLifetime((segment, copy)) {} }
        let recorder = StoreRecorder()
        let writer = try segment.writer(recorder: recorder)
        states.append(Self.keys.map { _ in .value(nil) })
        for operation in operations {
            try operation(writer)
            states.append(try Self.keys.map { .value(try writer.value($0, capacity: 512)) })
        }
        var reader = try copy.reader()
        reader.seededFault = fault
        for count in 0...recorder.steps.count {
            if count > 0 { copy.apply(recorder.steps[(count - 1)..<count]) }
            let found = try (0...writer.commitNumber).map { moment in
                try Self.keys.map { try reader.found($0, asOf: moment) }
            }
            if reader.moment == moments.last, found == sightings.last { continue }
            moments.append(reader.moment)
            sightings.append(found)
        }
    }

    /// What readers get who read one key and then the other.
    struct Pairs {
        /// What was got.
        var seen: Set<[Found]> = []
        /// What was got, and is none of the states.
        var mixed: Set<[Found]> = []
        /// Readers who got something.
        var acceptedCount = 0
    }

    /// Places the three loads (moment, one key, the other) in every order of the stores, each key first.
    func pairs() -> Pairs {
        var pairs = Pairs()
        for (start, moment) in moments.enumerated() where start == 0 || moments[start - 1] != moment {
            for first in start..<sightings.count {
                for second in first..<sightings.count {
                    let (early, late) = (sightings[first][Int(moment)], sightings[second][Int(moment)])
                    for pair in [[early[0], late[1]], [late[0], early[1]]] where !pair.contains(.changed) {
                        pairs.acceptedCount += 1
                        pairs.seen.insert(pair)
                        if !states.contains(pair) { pairs.mixed.insert(pair) }
                    }
                }
            }
        }
        return pairs
    }
}

extension Store {
    /// What a reader finds of a key as of a moment.
    fileprivate func found(_ key: [UInt8], asOf moment: UInt64) throws(StoreError) -> Found {
        var buffer = [UInt8](repeating: 0xee, count: 64)
        let sighting = try unsafe key.span.bytes.withUnsafeBytes { (key) throws(StoreError) in
            var target = buffer.mutableSpan
            return try unsafe target.withUnsafeMutableBytes { (buffer) throws(StoreError) in
                try unsafe sight(key, KeyHash(key, seed: geometry.hashSeed), asOf: moment, into: buffer)
            }
        }
        return switch sighting {
        case .found(let info, _): .value([UInt8](buffer[..<info.byteCount]))
        case .absent: .value(nil)
        case .changed: .changed
        }
    }
}
