internal import ArgumentParser
internal import CAllocationCount
internal import Glibc
internal import SharedMem
internal import TestSupport

/// The process whose system calls and allocations `costs` counts.
struct CostsWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "costs-worker", abstract: "Get or set between two marks; started by costs.", shouldDisplay: false)
    static let segmentName = "costs"
    /// Paths that are asked for to mark the trace.
    static let beginMark = "/sharedmem-costs-begin"
    static let endMark = "/sharedmem-costs-end"
    private static let operationCount = 100_000

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "What to do between the marks.")
    var phase: Costs.Phase

    @Option(help: "A fault to put once between the operations.")
    var fault: Costs.Fault?

    func run() throws {
        let segment = try Segment.open(Self.segmentName, socketPath: socket)
        var work = Work(segment)
        try work.prepare()
        // What is done once for a process is done before the mark.
        try work.run(phase, 0..<1000)
        let half = Self.operationCount / 2
        _ = unsafe access(Self.beginMark, F_OK)
        let before = allocation_count()
        try work.run(phase, 0..<half)
        switch fault {
        case .allocation: work.allocate()
        case .systemCall: _ = getppid()
        case .watcher, nil: break
        }
        try work.run(phase, half..<Self.operationCount)
        let count = allocation_count() - before
        _ = unsafe access(Self.endMark, F_OK)
        guard before > 0 else { throw Wrong(description: "allocations aren't counted in this build") }
        print("\(Self.operationCount) operations, \(count) allocations")
    }
}

/// The gets and sets that are looked at.
private struct Work {
    private static let keyCount = 64
    private static let largestByteCount = 1 << 20

    private let segment: Segment
    private let keys: [[UInt8]]
    private let missing: [UInt8] = Array("no such key".utf8)
    private let noise = [UInt8](repeating: 7, count: largestByteCount)
    private var buffer = [UInt8](repeating: 0, count: largestByteCount)
    private var random = SplitMix(seed: 1)

    init(_ segment: Segment) {
        self.segment = segment
        keys = (0..<Self.keyCount).map { Array("key-\($0)".utf8) }
    }

    /// A size between 0 and 1 MiB: one in 1,000 is the largest, the others are log-uniform up to 32 KiB.
    private mutating func byteCount() -> Int {
        let drawn = random.next()
        if drawn % 1000 == 0 { return Self.largestByteCount }
        return Int(drawn >> 32) & ((1 << Int(drawn % 16)) - 1)
    }

    /// Sets every key.
    mutating func prepare() throws {
        for number in keys.indices { try set(number) }
    }

    /// Does the operations of a phase.
    mutating func run(_ phase: Costs.Phase, _ numbers: Range<Int>) throws {
        for number in numbers {
            switch phase {
            case .get: try get(number)
            case .set, .unwatched: try number % 8 == 7 ? delete(number) : set(number)
            }
        }
    }

    /// Makes an array and gives it up.
    func allocate() {
        let array = [UInt8](repeating: 1, count: Int(allocation_count() % 64) + 4096)
        precondition(array.last == 1)
    }

    private mutating func set(_ number: Int) throws {
        let key = keys[number % Self.keyCount]
        let count = byteCount()
        let noise = noise
        try unsafe segment.set(key.span.bytes, to: noise.span.bytes.extracting(0..<count))
    }

    private func delete(_ number: Int) throws { try segment.delete(keys[number % Self.keyCount]) }

    private mutating func get(_ number: Int) throws {
        let segment = segment
        let isMissing = number % 8 == 7
        let key = isMissing ? missing : keys[number % Self.keyCount]
        var target = buffer.mutableSpan
        let found = try unsafe target.withUnsafeMutableBytes { (bytes) throws(SharedMemError) in
            try unsafe segment.get(key.span.bytes, into: bytes)
        }
        guard (found == nil) == isMissing else {
            throw Wrong(description: "key \(number % Self.keyCount) is not as it was set")
        }
    }
}
