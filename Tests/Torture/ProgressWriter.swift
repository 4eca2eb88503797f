internal import ArgumentParser
internal import Glibc
internal import SharedMem
internal import SharedMemStore

/// The writer of `progress`: sets without pause until it is killed or its parent is gone.
struct ProgressWriter: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "progress-writer", abstract: "Set without pause; started by progress.", shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "What to set.")
    var pattern: ProgressPattern

    @Option(help: "A fault to put into the store.")
    var fault: Progress.Fault?

    func run() throws {
        fault?.seed()
        let segment = try Segment.open(pattern.segmentName, socketPath: socket)
        let parent = getppid()
        let values = pattern.values
        let other = [UInt8](repeating: 5, count: 64)
        let key = ProgressPattern.key
        let otherKey = ProgressPattern.otherKey
        while getppid() == parent {
            for value in values {
                try set(key, to: value, in: segment)
                for _ in 0..<pattern.otherCount { try set(otherKey, to: other, in: segment) }
            }
        }
    }

    /// Sets, unless a reader's pin keeps all memory that was used before: a reader that was overtaken has one.
    private func set(_ key: [UInt8], to value: [UInt8], in segment: Segment) throws(SharedMemError) {
        do throws(SharedMemError) {
            _ = try unsafe segment.set(key.span.bytes, to: value.span.bytes)
        } catch {
            guard error.code == .full else { throw error }
        }
    }
}
