internal import ArgumentParser
internal import SharedMem
internal import SharedMemStore
internal import TestSupport

/// One process that sets and gets at random until its time is up.
struct Worker: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Be one worker; started by run.", shouldDisplay: false)
    static let segmentName = "torture"

    @OptionGroup var plan: Plan

    @Option(help: "Where the daemon listens.")
    var socket: String

    @Option(help: "Which worker this is.")
    var number: Int

    func run() throws {
        plan.fault?.seed()
        let segment = try Segment.open(Self.segmentName, socketPath: socket)
        var round = Round(segment: segment, plan: plan, worker: number)
        let end = ContinuousClock.now + .seconds(plan.seconds)
        do throws(Wrong) {
            while ContinuousClock.now < end {
                for _ in 0..<64 { try round.step() }
            }
        } catch {
            print("worker \(number): \(error.description)")
            throw ExitCode(1)
        }
        print("worker \(number): \(round.setCount) sets, \(round.getCount) gets")
    }
}
