internal import ArgumentParser

/// Many processes set and get in one segment at once, and each checks everything it reads.
@main
struct Torture: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sharedmem-torture",
        abstract: "Set and get from many processes at once and check every value.",
        discussion: "Exit codes: 0 nothing wrong was seen, 1 something was, 64 usage.",
        subcommands: [
            Run.self, Worker.self, Fork.self, Kills.self, Hostile.self, HostileWorker.self, Heap.self, Progress.self,
            ProgressWriter.self, Costs.self, CostsWorker.self, CostsWatcher.self, PinHolder.self, ForkedSleeper.self,
            Wakes.self, ForkedWatcher.self,
        ])
}
