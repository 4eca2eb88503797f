internal import ArgumentParser
internal import Foundation
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Starts a daemon and the workers, and judges.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a daemon of this build and workers beside it, wait for them, audit the segment.")

    @OptionGroup var plan: Plan

    @Option(help: "Worker processes.")
    var processes = 8

    func validate() throws {
        guard (1...256).contains(processes) else { throw ValidationError("--processes is 1 to 256, not \(processes)") }
    }

    func run() throws {
        let daemon = try DaemonProcess(configuration: "memory-limit: 4GiB\nsegments: {}\n")
        let session = try Session(socketPath: daemon.socketPath)
        var options = SegmentOptions()
        options.byteCount = 1 << 30
        try session.create(Worker.segmentName, options: options)

        let workers = try (0..<processes).map { try start(number: $0, socketPath: daemon.socketPath) }
        let results = workers.map { wait(for: $0) }
        let failed = results.filter { !$0 }.count
        let soundness = audit(session)
        print("\(processes) workers, \(plan.seconds) s: \(failed) saw something wrong; \(soundness.text)")
        if failed > 0 || !soundness.isSound { throw ExitCode(1) }
    }

    private func start(number: Int, socketPath: String) throws -> Process {
        let process = Process()
        process.executableURL = try DaemonProcess.program("sharedmem-torture")
        process.arguments = ["worker", "--socket", socketPath, "--number", "\(number)"] + plan.arguments
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Waits for a worker, which has a minute more than its time; true: it ended well.
    private func wait(for process: Process) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let watcher = Thread {
            process.waitUntilExit()
            done.signal()
        }
        watcher.start()
        if done.wait(timeout: .now() + .seconds(plan.seconds + 60)) == .timedOut {
            print("worker \(process.processIdentifier) hangs")
            kill(process.processIdentifier, SIGKILL)
            return false
        }
        return process.terminationReason == .exit && process.terminationStatus == 0
    }

    private func audit(_ session: Session) -> (isSound: Bool, text: String) {
        do throws(SharedMemError) {
            let audit = try session.open(Worker.segmentName).audit()
            return (true, "the segment is sound: \(audit.recordCount) keys, \(audit.limboCount) records in limbo")
        } catch {
            return (false, "the segment isn't: \(error)")
        }
    }
}
