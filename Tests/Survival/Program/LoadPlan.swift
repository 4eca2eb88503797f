internal import ArgumentParser

/// What the clients of a load work on.
struct LoadPlan: ParsableArguments {
    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Client processes.")
    var clients = 20

    @Option(help: "Segments; client N works in those whose number is N, N + clients and so on.")
    var segments = 1

    @Option(help: "What the segments' names begin with.")
    var name = "load"

    @Option(help: "Bytes of each segment.")
    var size: UInt64 = 16 << 20

    @Option(help: "How often each segment moves to a new generation meanwhile.")
    var moves: UInt64 = 0

    @Flag(help: "Clients also make, use and remove segments of their own.")
    var churn = false

    @Option(help: "How long a client rests after each round through its segments, in milliseconds.")
    var rest: UInt32 = 0

    @Option(help: "Seeds the random choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard (1...1000).contains(clients) else { throw ValidationError("--clients is 1 to 1000, not \(clients)") }
        guard (1...100_000).contains(segments) else {
            throw ValidationError("--segments is 1 to 100000, not \(segments)")
        }
    }

    /// The name of a segment.
    func segmentName(_ number: Int) -> String { "\(name)-\(number)" }

    /// The numbers of the segments in which a client works; several clients share one if there are fewer segments.
    func segments(of client: Int) -> [Int] {
        segments <= clients ? [client % segments] : Array(stride(from: client, to: segments, by: clients))
    }
}
