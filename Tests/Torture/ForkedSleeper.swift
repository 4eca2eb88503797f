internal import ArgumentParser
internal import Foundation
internal import SharedMem
internal import TestSupport

/// Forks while attached; the child lives on without ever using the library.
struct ForkedSleeper: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Fork while attached, print the child's number, and stay until standard input ends; so does the child.",
        shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    func run() throws {
        let segment = try Segment.open("default", socketPath: socket)
        try segment.set("fork", to: [1])
        let child = try ForkedProcess {
            while readLine() != nil {}
            return 0
        }
        // At once: what is printed waits for more if standard output is a pipe.
        FileHandle.standardOutput.write(Data("\(child.identifier)\n".utf8))
        while readLine() != nil {}
        _ = try segment.get("fork")
    }
}
