internal import ArgumentParser
internal import Foundation
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Sees that a get and an unwatched, uncontended set make no system call and allocate nothing.
struct Costs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count the system calls and the allocations of many gets or unwatched sets; both must be 0.",
        discussion: """
            A process gets or sets values of 0 bytes to 1 MiB through the public API, traced by strace(1) from a mark \
            to another one; malloc and its kin are counted between the marks too. Meant for a release build: a debug \
            build allocates.

            Exit codes: 0 none was made, 1 some were, 64 usage.
            """)

    /// What is counted.
    enum Phase: String, ExpressibleByArgument, CaseIterable {
        case get, set
        /// Sets after the last watcher was killed.
        case unwatched
    }

    /// A fault by its name on the command line.
    enum Fault: String, ExpressibleByArgument, CaseIterable {
        case allocation, systemCall = "system-call"
        /// The watcher isn't killed.
        case watcher
    }

    @Option(help: "Only this phase: get, set or unwatched.")
    var phase: Phase?

    @Option(
        help: """
            A fault to put once between the operations, which the run must then find: allocation or system-call; or \
            watcher: the one that is killed before the last phase lives on.
            """)
    var fault: Fault?

    func run() throws {
        let daemon = try DaemonProcess()
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = 64 << 20
        try session.create(CostsWorker.segmentName, options: options)
        let findings = Findings()
        for phase in phase.map({ [$0] }) ?? Phase.allCases {
            let watcher = phase == .unwatched ? try watchOnce(session, daemon.socketPath) : nil
            defer { watcher?.terminate() }
            let trace = daemon.folder.appending(path: "trace-\(phase)")
            let operations = try work(phase, daemon.socketPath, trace, findings)
            let calls = try systemCalls(in: trace)
            findings.note("\(phase) system calls") { () throws(Wrong) in
                guard let calls else { throw Wrong(description: "the trace has no marks") }
                guard calls.isEmpty else {
                    throw Wrong(description: "\(calls.count), the first is \(calls.first ?? "")")
                }
            }
            print("\(phase): \(operations), \(calls?.count ?? -1) system calls")
        }
        if !findings.areNone { throw ExitCode(1) }
    }

    /// Has a process watch the segment, and kills it; returns it if it lives on.
    private func watchOnce(_ session: Session, _ socketPath: String) throws -> Process? {
        let segment = try session.open(CostsWorker.segmentName, access: .readOnly)
        let process = Process()
        process.executableURL = try DaemonProcess.program("sharedmem-torture")
        process.arguments = ["costs-watcher", "--socket", socketPath]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        try Self.expect("a watcher doesn't watch") { () throws(SharedMemError) in
            try segment.withStore { (store) throws(StoreError) in store.watched.segment && store.watched.stripes != 0 }
        }
        if fault == .watcher { return process }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try Self.expect("the daemon doesn't see that the last watcher is dead") { () throws(SharedMemError) in
            try segment.withStore { (store) throws(StoreError) in store.watched.isEmpty }
        }
        return nil
    }

    /// Waits until a condition holds, for a minute at most.
    private static func expect(_ failure: String, _ condition: () throws(SharedMemError) -> Bool) throws {
        let start = ContinuousClock.now
        while try !condition() {
            guard ContinuousClock.now - start < .seconds(60) else {
                throw Wrong(description: "\(failure) within 60 s")
            }
            usleep(1000)
        }
    }

    /// Runs the worker under strace and returns what it counted.
    private func work(_ phase: Phase, _ socketPath: String, _ trace: URL, _ findings: Findings) throws -> String {
        let program = try DaemonProcess.program("sharedmem-torture").path
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["strace", "-o", trace.path, program, "costs-worker"]
            + ["--socket", socketPath, "--phase", phase.rawValue] + (fault.map { ["--fault", $0.rawValue] } ?? [])
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
        findings.note("\(phase) allocations") { () throws(Wrong) in
            guard process.terminationReason == .exit, process.terminationStatus == 0 else {
                throw Wrong(description: "the worker ended with \(process.terminationStatus): \(text)")
            }
            guard text.hasSuffix(", 0 allocations") else { throw Wrong(description: text) }
        }
        return text
    }

    /// The system calls between the marks; nil: there are no two marks.
    private func systemCalls(in trace: URL) throws -> [String]? {
        let lines = try String(contentsOf: trace, encoding: .utf8).split(separator: "\n").map(String.init)
        guard let begin = lines.firstIndex(where: { $0.contains(CostsWorker.beginMark) }),
            let end = lines.firstIndex(where: { $0.contains(CostsWorker.endMark) }), begin < end
        else { return nil }
        // Lines that begin with a dash or a plus tell of signals and exits.
        return lines[(begin + 1)..<end].filter { !$0.hasPrefix("---") && !$0.hasPrefix("+++") }
    }
}
