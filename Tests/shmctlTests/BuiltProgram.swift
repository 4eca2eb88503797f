import Foundation
import Testing

/// A program of this package, run as a process of its own.
struct BuiltProgram {
    /// Where it was built.
    let path: String

    /// Finds the program that was built beside the tests.
    init(_ name: String) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        path = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent(name).path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) isn't built")
    }

    /// Takes a program of the system.
    init(system path: String) throws {
        self.path = path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) isn't installed")
    }

    /// What a process left.
    struct Outcome {
        /// What it wrote to standard output.
        let output: [UInt8]
        /// What it said on standard error.
        let words: String
        /// What it exited with; a signal's number with 128 added if one ended it.
        let status: Int32

        /// The output as text.
        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Runs the program to its end, but at most for `limit` seconds, and answers with what it left.
    func run(
        _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], limit: Double = 60
    ) throws -> Outcome {
        try TemporaryFolder.use { folder in
            try Data(input).write(to: folder.url("input"))
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
            process.standardInput = try FileHandle(forReadingFrom: folder.url("input"))
            process.standardOutput = try folder.file("output")
            process.standardError = try folder.file("words")
            let ended = DispatchSemaphore(value: 0)
            process.terminationHandler = { _ in ended.signal() }
            try process.run()
            if ended.wait(timeout: .now() + limit) == .timedOut {
                kill(process.processIdentifier, SIGKILL)
                Issue.record("\(path) \(arguments) didn't end in \(limit) s")
                ended.wait()
            }
            return Outcome(
                output: Array(try Data(contentsOf: folder.url("output"))),
                words: String(decoding: try Data(contentsOf: folder.url("words")), as: UTF8.self),
                status: process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0))
        }
    }
}
