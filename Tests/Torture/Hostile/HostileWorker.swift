internal import ArgumentParser
internal import Glibc
internal import LinuxIPC
internal import SharedMemStore
internal import TestSupport

/// Runs cases one after the other in a process that may crash.
struct HostileWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hostile-worker", abstract: "Run hostile cases; started by hostile.", shouldDisplay: false)

    @OptionGroup var plan: HostilePlan

    @Option(help: "The first case.")
    var from: Int

    @Option(help: "The case behind the last.")
    var to: Int

    @Option(help: "The file that takes the number of the running case.")
    var progress: String

    @Flag(help: "Print every corruption.")
    var verbose = false

    func run() throws {
        plan.fault?.seed()
        Self.letAlarmsThrough()
        let descriptor = unsafe open(progress, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw ValidationError("cannot open \(progress)") }
        let file = MemoryFile(adopting: FileDescriptor(owning: descriptor))
        let mapping = try Mapping(of: file, byteCount: 8, access: .readWrite, isPrivateToProcess: true)
        let current = unsafe SharedBytes(mapping.baseAddress, byteCount: 8)
        let cases = try HostileCases(seed: plan.seed, fault: plan.fault, isVerbose: verbose)
        do throws(Wrong) {
            for number in from..<to {
                current.store(UInt64(number), 0)
                // An endless loop ends here, by SIGALRM.
                alarm(plan.limit)
                while plan.fault == .loop, number == from {}
                try cases.run(number)
            }
        } catch {
            print(error.description)
            throw ExitCode(1)
        }
        withExtendedLifetime(mapping.byteCount) {}
    }

    /// Makes SIGALRM end this process, whatever mask it inherited: a thread of Dispatch starts programs with most
    /// signals blocked.
    private static func letAlarmsThrough() {
        var alarms = sigset_t()
        unsafe sigemptyset(&alarms)
        unsafe sigaddset(&alarms, SIGALRM)
        unsafe sigprocmask(SIG_UNBLOCK, &alarms, nil)
        signal(SIGALRM, SIG_DFL)
    }
}
