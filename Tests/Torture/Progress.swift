internal import ArgumentParser
internal import Foundation
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Sees that a reader goes on beside a writer that never pauses, and beside one that is stopped.
struct Progress: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read beside a writer that never pauses, and beside one that is stopped in the middle of a set.",
        discussion: """
            For each pattern a process sets the same key again and again; a read-only reader gets it until it has as \
            many values as the pattern asks for, each of them checked. In a debug build the attempts of each get are \
            counted, of which half of the gets may need 3 at most, and the same is done by a slow reader: between \
            looking the record up and copying it, it waits until the writer has made 4 more sets (of 64 bytes) or 1. \
            Then the writer is stopped while it holds the lock word, and the reader must go on with one attempt a get.

            Exit codes: 0 nothing wrong was seen, 1 something was, 64 usage.
            """)

    /// A fault by its name on the command line.
    enum Fault: String, ExpressibleByArgument, CaseIterable {
        case limbo, publish

        /// Puts the fault into this process's store; a release build, which has none, was refused before.
        func seed() {
            #if SHAREDMEM_TEST_HOOKS
                switch self {
                case .limbo: SeededFault.ofThisProcess = .limboLeftOut
                case .publish: SeededFault.ofThisProcess = .publishedTooEarly
                }
            #endif
        }
    }

    @Option(help: "How long the gets of one pattern may take, in seconds.")
    var limit = 60

    @Option(help: "Only this pattern: small, medium, large or mixed.")
    var pattern: ProgressPattern?

    @Option(help: "Commits that a slow reader waits for, instead of what belongs to the pattern; needs a debug build.")
    var commits: UInt64?

    @Option(help: "A fault to put into the writer's store, which the run must then find: limbo or publish.")
    var fault: Fault?

    func validate() throws {
        guard (1...3600).contains(limit) else { throw ValidationError("--limit is 1 to 3600, not \(limit)") }
        guard fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--fault needs a debug build: a release build has no faults to seed")
        }
        guard commits == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--commits needs a debug build: in a release build no read can be slowed down")
        }
    }

    func run() throws {
        let daemon = try DaemonProcess()
        let findings = Findings()
        for pattern in pattern.map({ [$0] }) ?? ProgressPattern.allCases {
            try read(pattern, daemon, findings)
        }
        if !findings.areNone { throw ExitCode(1) }
    }
}

// MARK: - One pattern

extension Progress {
    private func read(_ pattern: ProgressPattern, _ daemon: DaemonProcess, _ findings: Findings) throws {
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = 64 << 20
        try session.create(pattern.segmentName, options: options)
        let segment = try session.open(pattern.segmentName, access: .readOnly)
        let writer = try StoppableProcess(
            DaemonProcess.program("sharedmem-torture"),
            ["progress-writer", "--socket", daemon.socketPath, "--pattern", pattern.rawValue]
                + (fault.map { ["--fault", $0.rawValue] } ?? []))
        defer { writer.end() }

        let reader = ProgressReader(segment, pattern)
        findings.note("\(pattern) start") { () throws(Wrong) in try reader.waitForAValue(within: limit, writer) }
        findings.note("\(pattern) running") { () throws(Wrong) in
            try race(reader, pattern.getCount, writer, "\(pattern), writer running")
        }
        #if SHAREDMEM_TEST_HOOKS
            findings.note("\(pattern) running, slow reader") { () throws(Wrong) in
                ReadHook.commitsToWaitFor = commits ?? pattern.commitsToWaitFor
                defer { ReadHook.commitsToWaitFor = 0 }
                try race(reader, 1000, writer, "\(pattern), writer running, slow reader")
            }
        #endif
        if !writer.isRunning { return }
        findings.note("\(pattern) stopped") { () throws(Wrong) in
            try stop(writer, holdingTheLockOf: session, pattern)
            let report = try reader.read(1000, within: limit, endingAtTimeout: writer)
            print("\(pattern), writer stopped: \(report.text)")
            guard report.setCount == 0 else { throw Wrong(description: "\(report.setCount) sets while it was stopped") }
            if let most = report.mostAttempts, most > 1 { throw Wrong(description: "a get needed \(most) attempts") }
        }
    }

    /// Reads beside the running writer and judges.
    private func race(_ reader: ProgressReader, _ count: Int, _ writer: StoppableProcess, _ name: String) throws(Wrong)
    {
        let report = try reader.read(count, within: limit, endingAtTimeout: writer)
        print("\(name): \(report.text)")
        guard report.setCount >= 10 else { throw Wrong(description: "the writer set \(report.setCount) times only") }
        if let median = report.medianAttemptCount, median > 3 {
            throw Wrong(description: "half of the gets needed \(median) attempts or more")
        }
    }

    /// Stops the writer until it has the lock word at that moment, and sees that another writer then waits in vain.
    private func stop(
        _ writer: StoppableProcess, holdingTheLockOf session: Session, _ pattern: ProgressPattern
    ) throws(Wrong) {
        for _ in 0..<10_000 {
            try writer.stop()
            if try isLockHeld(session, pattern) { return }
            try writer.resume()
        }
        throw Wrong(description: "the writer was stopped 10,000 times and never had the lock word")
    }

    private func isLockHeld(_ session: Session, _ pattern: ProgressPattern) throws(Wrong) -> Bool {
        do throws(SharedMemError) {
            let segment = try session.open(pattern.segmentName)
            let word = try segment.withStore { (store) throws(StoreError) in store.lockWord }
            if Store.owner(of: word) == 0 { return false }
            segment.lockTimeoutMilliseconds = 100
            try segment.set("x", to: [UInt8]())
        } catch {
            if error.code == .lockTimeout { return true }
            throw Wrong(description: "\(error)")
        }
        throw Wrong(description: "a set went on although the lock word was held")
    }
}
