internal import ArgumentParser
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Measures get and set against their floors, in one run and on the same core.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sharedmem-benchmarks",
        abstract: "Measure get and set beside their floors, slice by slice, with a daemon of this build.")

    @Flag(help: "A tenth of the slices: shows that everything runs, says little about time.")
    var quick = false

    @Option(help: "Keys in the segment, drawn in random order.")
    var keys = 1000

    func validate() throws {
        guard (1...10_000_000).contains(keys) else { throw ValidationError("--keys is 1 to 10000000, not \(keys)") }
    }

    func run() throws {
        let daemon = try DaemonProcess()
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = max(16 << 20, UInt64(keys) * 512)
        try session.create("benchmark", options: options)
        let rows = try Rows(segment: session.open("benchmark"), keyCount: keys)
        let measurements = try Schedule(rows.all).measure(rounds: quick ? 200 : 2000)
        print(Table(measurements).text)
        let audit = try session.open("benchmark").audit()
        guard audit.recordCount == keys else { throw ValidationError("the segment holds \(audit.recordCount) keys") }
    }
}

/// The measurements as a table for people.
struct Table {
    private let measurements: [Measurement]

    init(_ measurements: [Measurement]) { self.measurements = measurements }

    /// One line a row: nanoseconds and the ratio to the floor.
    var text: String {
        let width = measurements.map(\.name.count).max() ?? 0
        let head = "what".padding(to: width) + "   median ns      p99 ns   to its floor"
        let lines = measurements.map { row in
            row.name.padding(to: width) + Self.column(row.median) + Self.column(row.percentile99)
                + (row.ratio.map { Self.column($0) } ?? "")
        }
        return ([head] + lines).joined(separator: "\n")
    }

    private static func column(_ number: Double) -> String {
        let hundredths = Int((number * 100).rounded())
        let text = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        return String(repeating: " ", count: max(1, 12 - text.count)) + text
    }
}

extension String {
    /// The text with spaces behind it up to `width` characters.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
