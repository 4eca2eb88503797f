internal import Foundation
internal import SharedMemStore
internal import Synchronization
internal import TestSupport

/// Spoils segments and then does everything to them that can be done; each case follows from the seed and its number.
final class HostileCases {
    private let seed: UInt64
    private let isVerbose: Bool
    private let segments: [HostileSegment]
    private let buffers: Victim.Buffers
    private let kinds: [Corruptor.Kind]

    /// One case in so many is run beside a thread that goes on spoiling; such a case doesn't repeat exactly.
    static let concurrentEach = 20

    init(seed: UInt64, fault: HostileFault?, isVerbose: Bool) throws {
        self.seed = seed
        self.isVerbose = isVerbose
        // A fault must reach the guards: assertions look away, so headers must be honest.
        let slack = fault == .overrun ? 64 : 0
        kinds = Corruptor.Kind.allCases.filter { slack == 0 || $0 != .header }
        let geometries = [
            Geometry(homeBucketCount: 1, ringByteCount: 576, heapGranuleCount: 20),
            Geometry(homeBucketCount: 3, ringByteCount: 576, heapGranuleCount: 100),
            // The data file is whole pages: there is a guard right before it too.
            Geometry(homeBucketCount: 8, ringByteCount: 2 * 576, heapGranuleCount: 262),
            Geometry(homeBucketCount: 40, ringByteCount: 576, heapGranuleCount: 700),
            try Geometry(planning: Geometry.minimumByteCount, entryCount: 0),
        ]
        segments = try geometries.map { try HostileSegment($0, imageCount: 6, seed: seed, slack: slack) }
        buffers = try Victim.Buffers(byteCount: 128 << 10)
    }

    /// Runs one case.
    func run(_ number: Int) throws(Wrong) {
        var random = SplitMix(seed: seed &* 0x2545_f491_4f6c_dd1d ^ UInt64(number) &* 0x9e37_79b9_7f4a_7c15)
        let segment = segments[Int(random.next() % UInt64(segments.count))]
        let image = segment.image(random.next())
        segment.restore(image)
        var corruptor = Corruptor(segment, kinds: kinds, seed: random.next(), isVerbose: isVerbose)
        var victim = Victim(segment, buffers, seed: random.next(), isVerbose: isVerbose)
        victim.attach()
        for _ in 0...random.next() % 4 { corruptor.spoil() }
        let (headers, ring) = (segment.headers, segment.ring)
        let isWatched = segment.isWatched
        if number % Self.concurrentEach == Self.concurrentEach - 1 {
            let attack = Attack(corruptor, image)
            attack.begin()
            for _ in 0..<8 {
                victim.attach()
                victim.suffer()
            }
            attack.end()
        } else {
            victim.attach()
            victim.suffer()
            if segment.headers != headers {
                throw Wrong(description: "case \(number): an operation stored to a header")
            }
            if !victim.isMisled, !isWatched, segment.ring != ring {
                throw Wrong(description: "case \(number): an operation stored to the change ring")
            }
        }
        if let fault = victim.fault { throw Wrong(description: "case \(number): \(fault)") }
    }

    /// A thread that spoils a segment until it is told to stop.
    private final class Attack: @unchecked Sendable {
        // Proof of @unchecked: the corruptor is used by the thread alone; the memory that it spoils is there to be raced for.
        private var corruptor: Corruptor
        private let image: HostileSegment.Image
        private let isOver = Atomic(false)
        private let ended = DispatchSemaphore(value: 0)

        init(_ corruptor: Corruptor, _ image: HostileSegment.Image) {
            self.corruptor = corruptor
            self.image = image
        }

        func begin() {
            Thread { [self] in
                while !isOver.load(ordering: .relaxed) {
                    corruptor.spoil()
                    corruptor.flicker()
                    corruptor.heal(image)
                }
                ended.signal()
            }.start()
        }

        func end() {
            isOver.store(true, ordering: .relaxed)
            // Bounded by the case's own limit.
            ended.wait()
        }
    }
}
