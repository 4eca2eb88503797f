internal import LinuxIPC
internal import SharedMemStore

/// The memory that the parent and its workers share beside the segment: which round it is, and the workers' logs.
///
/// A forked worker has it at the same address.
final class Board {
    private static let headByteCount = 64
    private static let roundOffset = 0

    private let mapping: Mapping
    private let bytes: SharedBytes

    /// Makes a board with `logCount` logs; it is between rounds.
    init(logCount: Int) throws {
        let file = try MemoryFile.create(label: "kills-board")
        let byteCount = Self.headByteCount + logCount * OperationLog.byteCount
        try file.reserve(byteCount: byteCount)
        mapping = try Mapping(of: file, byteCount: byteCount, access: .readWrite, isPrivateToProcess: false)
        bytes = unsafe SharedBytes(mapping.baseAddress, byteCount: byteCount)
    }

    /// The round: odd while the workers run, even while they pause.
    var round: UInt32 { bytes.load32(Self.roundOffset) }

    /// The log number `index`.
    func log(_ index: Int) -> OperationLog {
        OperationLog(at: Self.headByteCount + index * OperationLog.byteCount, in: bytes)
    }

    /// Begins a round, or ends it.
    func moveOn() {
        bytes.storeReleasing32(round + 1, Self.roundOffset)
        mapping.wake(at: Self.roundOffset, count: .max)
    }

    /// Sleeps while it is this round, for a second at most.
    func wait(while round: UInt32) {
        _ = mapping.wait(at: Self.roundOffset, while: round, nanoseconds: 1_000_000_000)
    }

    /// Says that the worker of `log` goes by `round`.
    func arrive(_ log: OperationLog, in round: UInt32) {
        log.arrive(in: round)
        mapping.wake(at: log.arrivalPlace, count: 1)
    }

    /// Sleeps until the worker of `log` arrives in another round than `round`, for 10 ms at most.
    func waitForArrival(_ log: OperationLog, while round: UInt32) {
        _ = mapping.wait(at: log.arrivalPlace, while: round, nanoseconds: 10_000_000)
    }
}
