internal import ArgumentParser
internal import CBenchmarkFloors
internal import Foundation
internal import SharedMem
internal import TestSupport

/// One process of a crowd: threads that watch, and sleep again when they have seen a change.
struct CrowdMember: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd-member", abstract: "Watch with many threads; started by the benchmarks.",
        shouldDisplay: false)

    @OptionGroup var setter: SetterOptions

    @Option(help: "Threads that watch.")
    var threads: Int

    @Option(help: "The key that they watch.")
    var key: String

    @Flag(help: "They watch the whole segment.")
    var everything = false

    func run() throws {
        let memory = try setter.begin()
        let segment = try setter.open()
        let isWatchingAll = everything
        let key = key
        let watchers = (0..<threads).map { _ in
            SecondThread {
                if isWatchingAll {
                    try Self.watchAll(segment, memory)
                } else {
                    try Self.watch(key, segment, memory)
                }
            }
        }
        // They go on until the process is ended.
        for watcher in watchers { try watcher.join() }
    }

    private static func watch(_ key: String, _ segment: Segment, _ memory: WakesMemory) throws {
        var version = try segment.metadata(key)?.version ?? 0
        while true {
            unsafe benchmark_wakes_arrive(memory.wakes)
            guard let found = try segment.wait(for: key, after: version) else {
                throw Failure("a wait without a limit ended")
            }
            version = found.version
        }
    }

    private static func watchAll(_ segment: Segment, _ memory: WakesMemory) throws {
        let watch = try segment.watch(prefix: "")
        while true {
            unsafe benchmark_wakes_arrive(memory.wakes)
            guard try watch.next() != nil else { throw Failure("a watch without a limit ended") }
        }
    }
}
