internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMem
internal import TestSupport

extension LoadFault: ExpressibleByArgument {}

/// Starts clients that set and get without pause, does something to the daemon again and again, and judges.
struct Load: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work from many processes while a command is run again and again; no call may fail, nothing be lost.",
        discussion: """
            Makes the segments, and removes them if nothing wrong was seen. The command is run by a shell; it ends when what it does to the \
            daemon is done. After each time all clients must get on with their work. At the end each acknowledged \
            value must be found by a process that attaches anew, in segments of the same ids and generations.
            """)

    @OptionGroup var plan: LoadPlan

    @Option(help: "What is done to the daemon.")
    var action: String?

    @Option(help: "How often it is done.")
    var times = 10

    @Option(help: "How long the clients work after the last time, in milliseconds.")
    var milliseconds = 500

    @Option(help: "The longest pause before each time, in milliseconds.")
    var pause: UInt64 = 300

    @Flag(help: "Measure how long it takes, from each start of the command, until the daemon has all clients again.")
    var measure = false

    @Option(help: "A fault to put into the clients, which must then be found: acknowledgement.")
    var fault: LoadFault?

    func run() throws {
        let conductor = try LoadConductor(plan)
        var longest: UInt64 = 0
        try Finding.reported {
            do {
                try conductor.start(fault)
                longest = try perform(conductor)
            } catch {
                conductor.abandon()
                throw error
            }
            try conductor.finish()
        }
        let summary = conductor.summary(actionCount: action == nil ? 0 : times)
        print(summary + (measure ? "; \(longest / 1_000_000) ms at most until all were with the daemon again" : ""))
    }

    /// Does to the daemon what is to be done; returns the longest time until it had all clients again.
    private func perform(_ conductor: LoadConductor) throws -> UInt64 {
        var random = SplitMix(seed: ~plan.seed)
        var longest: UInt64 = 0
        try conductor.expectProgress()
        if let action {
            for _ in 0..<times {
                usleep(UInt32(random.next() % (pause * 1000 + 1)))
                let start = SystemClock.monotonic()
                try Shell.run(action)
                if measure {
                    try conductor.expectAttachments()
                    longest = max(longest, SystemClock.monotonic() - start)
                }
                try conductor.expectProgress()
            }
        }
        usleep(UInt32(milliseconds * 1000))
        try conductor.expectProgress()
        return longest
    }
}
