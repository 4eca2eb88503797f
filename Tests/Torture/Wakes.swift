internal import ArgumentParser
internal import Foundation
internal import SharedMem
internal import SharedMemStore
internal import Synchronization
internal import TestSupport

/// Waits for one change after the other, each time registered anew while the change is being made.
struct Wakes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait for changes that are made at the moment of registration; count wake-ups that were lost.",
        shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Changes to wait for.")
    var rounds: UInt64 = 300

    @Option(help: "A fault that must be noticed: wake or flag.")
    var fault: Fault?

    /// What is left out.
    enum Fault: String, ExpressibleByArgument {
        /// Notify words aren't moved.
        case wake
        /// Writers look too early whether anybody watches.
        case flag
    }

    /// Keys of a change, so many that it takes a while.
    private static let fillers = 400

    func validate() throws {
        guard fault == nil || SeededFault.areBuiltIn else {
            throw ValidationError("--fault needs a debug build: a release build has no faults to seed")
        }
    }

    func run() throws {
        #if SHAREDMEM_TEST_HOOKS
            switch fault {
            case .wake: SeededFault.ofThisProcess = .wakeLeftOut
            case .flag: SeededFault.ofThisProcess = .flagReadTooEarly
            case nil: break
            }
        #endif
        let setter = try Segment.open("default", socketPath: socket)
        let waiter = try Segment.open("default", access: .readOnly, socketPath: socket)
        let begin = DispatchSemaphore(value: 0)
        let isOver = Atomic(false)
        let thread = SecondThread {
            var round = 0
            while true {
                begin.wait()
                if isOver.load(ordering: .acquiring) { return }
                round += 1
                if round % 2 == 0 {
                    try setter.set("key", to: [UInt8]([1]))
                    continue
                }
                try setter.transaction { (transaction) throws(SharedMemError) in
                    for filler in 0..<Self.fillers { try transaction.set("filler \(filler)", to: [UInt8]([1])) }
                    try transaction.set("key", to: [UInt8]([1]))
                }
            }
        }
        var version = try waiter.metadata("key")?.version ?? 0
        for _ in 0..<rounds where WaitHook.lateCount == 0 {
            begin.signal()
            guard let found = try waiter.wait(for: "key", after: version, timeout: .seconds(60)) else {
                throw Failure(description: "version \(version) wasn't followed by another one in 60 s")
            }
            version = found.version
            // Gives the registration back, so that the next wait registers anew.
            _ = try waiter.wait(for: "key", after: .max, timeout: .microseconds(1))
        }
        isOver.store(true, ordering: .releasing)
        begin.signal()
        try thread.join()
        let late = WaitHook.lateCount ?? 0
        print("\(late) wake-ups were lost")
        if late > 0 { throw ExitCode(1) }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}
