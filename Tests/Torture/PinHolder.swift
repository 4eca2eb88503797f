internal import ArgumentParser
internal import Foundation
internal import SharedMem

/// A reader that is lent a value for as long as it lives.
struct PinHolder: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Be lent a value, say so on standard output, and keep it until standard input ends.",
        shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "The key of the value.")
    var key: String

    func run() throws {
        let segment = try Segment.open("default", access: .readOnly, socketPath: socket)
        let count = try segment.withValue(of: key) { (_, value) throws(SharedMemError) in
            // At once: what is printed waits for more if standard output is a pipe.
            FileHandle.standardOutput.write(Data("lent \(value.byteCount) bytes\n".utf8))
            while readLine() != nil {}
            return value.byteCount
        }
        if count == nil { throw ExitCode(1) }
    }
}
