internal import CBenchmarkFloors
internal import Foundation
internal import SharedMem
internal import TestSupport

/// Where everything is measured: a daemon, folders for rivals, and the length of the run.
final class Place {
    /// How long and how much.
    struct Extent {
        /// Slices of each row.
        let rounds: Int
        /// Numbers of keys of the curve.
        let keyCounts: [Int]

        /// Within a minute, for every change.
        static var short: Extent { Extent(rounds: 400, keyCounts: [1000, 10_000, 100_000, 1_000_000]) }
        /// Up to 10,000,000 keys.
        static var long: Extent {
            Extent(
                rounds: 2000,
                keyCounts: [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000])
        }
    }

    /// How long and how much.
    let extent: Extent
    private let rivals: Rivals
    private let daemon: DaemonProcess
    private let session: Session

    init(_ extent: Extent, rivals: Rivals) throws {
        self.extent = extent
        self.rivals = rivals
        daemon = try DaemonProcess()
        session = try Session(socketPath: daemon.socketPath)
        guard benchmark_pin(benchmark_core(0)) != 0 else { throw Failure("this process can't be kept on one core") }
    }

    /// Where the daemon listens.
    var socketPath: String { daemon.socketPath }

    /// A folder that goes with the daemon.
    var folder: URL { daemon.folder }

    /// A second handle of a segment, in a session of its own.
    func open(_ name: String) throws -> Segment { try Session(socketPath: daemon.socketPath).open(name) }

    /// Opens a rival beside `segment`, which holds every key.
    func open(
        _ candidate: Rivals.Candidate, beside segment: Segment, keyCount: Int
    ) throws -> Result<
        any Variant, Failure
    > {
        try rivals.open(candidate, socket: daemon.socketPath, segment: segment.name, keyCount: keyCount)
    }

    /// Makes a segment, runs `body` with it and removes it.
    func withSegment<Result>(
        _ name: String, byteCount: Int, entryCount: Int = 0, _ body: (Segment) throws -> Result
    ) throws -> Result {
        var options = SegmentOptions()
        options.byteCount = UInt64(byteCount)
        options.entryCount = UInt64(entryCount)
        try session.create(name, options: options)
        let result = try body(session.open(name))
        try session.remove(name)
        return result
    }

    /// What the daemon says of a segment.
    func info(of name: String) throws -> SegmentInfo { try session.info(of: name) }

    /// Room for so many keys and some more.
    static func byteCount(forKeys count: Int) -> Int { (16 << 20) + count * 160 }

    /// Says on standard error what is being done.
    func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}

extension Segment {
    /// Sets `count` keys to generation 0.
    func fill(_ count: Int) throws {
        let key = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(BENCHMARK_KEY_SIZE), alignment: 8)
        let value = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(BENCHMARK_VALUE_SIZE), alignment: 8)
        defer {
            unsafe key.deallocate()
            unsafe value.deallocate()
        }
        for number in 0..<UInt64(count) {
            unsafe benchmark_key(number, key.baseAddress)
            unsafe benchmark_value(number, 0, value.baseAddress)
            try unsafe set(UnsafeRawBufferPointer(key).bytes, to: UnsafeRawBufferPointer(value).bytes)
        }
    }
}
