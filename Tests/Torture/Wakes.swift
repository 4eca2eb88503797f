internal import ArgumentParser
internal import Foundation
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// Waits for changes that are made at the worst moments: between a waiter's look and its sleep, and while it registers.
struct Wakes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait for changes that are made at the worst moments; count wake-ups that were lost.",
        shouldDisplay: false)

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Changes of each kind to wait for; ends with the first wake-up that is lost.")
    var rounds = 10

    @Option(help: "A fault that must be noticed: wake or flag.")
    var fault: Fault?

    /// What is left out.
    enum Fault: String, ExpressibleByArgument {
        /// Notify words aren't moved.
        case wake
        /// Writers look too early whether anybody watches.
        case flag
    }

    /// Keys of a change that takes much longer than a registration.
    private static let fillers = 4000

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
        for _ in 0..<rounds where WaitHook.lateCount == 0 {
            try waitForASetBeforeTheSleep(setter, waiter)
            try waitForAChangeThatIsUnderWay(setter, waiter)
        }
        let late = WaitHook.lateCount ?? 0
        print(late == 0 ? "no wake-up was lost" : "a wake-up was lost")
        if late > 0 { throw ExitCode(1) }
    }

    /// The key is set when the waiter has looked and doesn't sleep yet.
    private func waitForASetBeforeTheSleep(_ setter: Segment, _ waiter: Segment) throws {
        let version = try waiter.metadata("key")?.version ?? 0
        WaitHook.beforeSleep {
            do throws(SharedMemError) {
                try setter.set("key", to: [UInt8]([1]))
            } catch {
                print(error)
            }
        }
        try wait(waiter, after: version)
    }

    /// The waiter registers while the change's writer has the lock word.
    private func waitForAChangeThatIsUnderWay(_ setter: Segment, _ waiter: Segment) throws {
        let version = try waiter.metadata("key")?.version ?? 0
        let thread = SecondThread {
            try setter.transaction { (transaction) throws(SharedMemError) in
                for filler in 0..<Self.fillers { try transaction.set("filler \(filler)", to: [UInt8]([1])) }
                try transaction.set("key", to: [UInt8]([2]))
            }
        }
        let limit = ContinuousClock.now + .seconds(60)
        while try setter.withStore({ (store) throws(StoreError) in store.lockWord }) == 0,
            try waiter.metadata("key")?.version ?? 0 == version, ContinuousClock.now < limit
        {}
        try wait(waiter, after: version)
        try thread.join()
    }

    private func wait(_ waiter: Segment, after version: UInt64) throws {
        guard try waiter.wait(for: "key", after: version, timeout: .seconds(60)) != nil else {
            throw Failure(description: "version \(version) wasn't followed by another one in 60 s")
        }
        // Gives the registration back, so that the next wait registers anew.
        _ = try waiter.wait(for: "key", after: .max, timeout: .microseconds(1))
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }
}
