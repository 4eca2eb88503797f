internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import TestSupport

/// Measures the way from nothing to a segment's first value beside the least that it can cost.
struct Attaching: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attaching",
        abstract: "Measure from connect to the first value, beside a bare connect, round trip with two files and mmap.",
        discussion: "Both in turn, in one run; the ratio is the median of the pairs' ratios.")

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Pairs to measure.")
    var count = 500

    func run() throws {
        print(try Finding.reported { try measured() })
    }

    private func measured() throws -> String {
        let scene = try Scene(socketPath: socket, segmentName: "attaching-\(getpid())", byteCount: 16 << 20)
        try scene.fill()
        let bare = try BareServer(path: socket + ".bare", byteCount: 16 << 20)
        defer { bare.end() }
        var pairs: [(bare: UInt64, library: UInt64)] = []
        for _ in 0..<count {
            pairs.append((try bare.firstWord(), try firstValue(scene.segmentName)))
        }
        try scene.remove()
        let ratios = pairs.map { Double($0.library) / Double($0.bare) }.sorted()
        let ratio = Int((ratios[count / 2] * 100).rounded())
        let floor = pairs.map(\.bare).sorted()[count / 2] / 1000
        let library = pairs.map(\.library).sorted()[count / 2] / 1000
        return "attach to first value: \(library) us beside \(floor) us bare,"
            + " ratio \(ratio / 100).\(String(100 + ratio % 100).dropFirst()) (goal 1.5)"
    }

    /// Connects, attaches and gets a value by the library; what that took, in nanoseconds.
    private func firstValue(_ name: String) throws(Finding) -> UInt64 {
        let tag = Payload.tag(client: 999, key: 3)
        let key = Payload.name(tag)
        let start = SystemClock.monotonic()
        let segment = try call("attaching") { () throws(SharedMemError) in
            try Segment.open(name, socketPath: socket)
        }
        let value = try call("the first get") { () throws(SharedMemError) in try segment.get(key) }
        let end = SystemClock.monotonic()
        // What it takes to detach again is no part of it.
        withExtendedLifetime(segment) {}
        guard let value, try Payload.number(of: value, tag: tag) == 3 else { throw Finding("the first value is wrong") }
        return end - start
    }
}
