internal import CBenchmarkFloors
internal import Foundation

/// A process of this program that watches, kept on a core; it ends with its owner.
final class WatchingProcess {
    private let process = Process()

    /// Starts this program as `command`; it arrives in `memory` when it is ready.
    init(_ command: String, core: CInt, _ memory: WakesMemory, _ arguments: [String]) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments =
            [command, "--memory", memory.path, "--core", "\(core)", "--parent", "\(getpid())"] + arguments
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    /// Its pid.
    var processIdentifier: Int32 { process.processIdentifier }

    /// What to add to a sentence on what it doesn't do.
    var end: String { process.isRunning ? "" : "; it ended with \(process.terminationStatus)" }
}
