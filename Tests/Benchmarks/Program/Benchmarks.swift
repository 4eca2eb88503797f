internal import ArgumentParser
internal import Foundation

/// Measures get and set against their floors and against what a user could pick instead, in one run, on the same cores.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sharedmem-benchmarks",
        abstract: "Measure get and set beside their floors and rivals, slice by slice, with a daemon of this build.",
        discussion: """
            Started by Tests/Benchmarks/run, which builds the rivals. Exit codes: 0 measured, whatever the times are; \
            1 a value was wrong or a segment was spoiled; 64 usage.
            """,
        subcommands: [Watcher.self, CrowdMember.self])

    @Flag(help: "Fewer slices and at most 1,000,000 keys: within a minute.")
    var short = false

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print Markdown.")
    var markdown = false

    @Option(help: "A file for the data of the plot: number of keys, then nanoseconds for each line.")
    var data: String?

    @Option(help: "The folder that holds the rivals' libraries.")
    var rivals: String?

    @Flag(help: "A rival that isn't there is a failure, not a note.")
    var requireAll = false

    @Option(help: "Do something wrong that must be noticed: delay or nothing-read. Measures small values alone.")
    var fault: SmallValues.Fault?

    @Option(help: "Measure this alone: small, busy, watch, watchcost, many or sizes.")
    var only: Part?

    @Option(help: "Do this work alone, 100,000 times, for a profiler that collects in \(Profile.symbol).")
    var profile: Profile.Work?

    @Option(help: "Where the daemon listens that --profile uses.")
    var socket = ""

    /// A part of all that is measured.
    enum Part: String, ExpressibleByArgument {
        case small, busy, watch, watchcost, many, sizes
    }

    func run() throws {
        do {
            if let profile { return try Profile(profile, socketPath: socket).run() }
            try measure()
        } catch let failure as Failure {
            print("wrong: \(failure)")
            throw ExitCode(1)
        }
    }

    private func measure() throws {
        let place = try Place(short ? .short : .long, rivals: Rivals(folder: rivals, mustBeThere: requireAll))
        if let fault {
            print(Table([try SmallValues(place, fault: fault).measure()]).text)
            return
        }
        if let only { return try show(measure(only, place)) }
        place.say("small values")
        var sections = [try SmallValues(place, fault: nil).measure()]
        place.say("a busy writer")
        sections.append(try BesideWriter(place).measure())
        place.say("large values")
        sections.append(try LargeValues(place).measure())
        place.say("wake-ups")
        sections.append(try Wakes(place).measure())
        place.say("sets beside watchers")
        sections.append(try WatchCosts(place).measure())
        place.say("many keys")
        let scale = Scale(place)
        let curve = try scale.measure()
        sections += curve
        place.say("bytes an entry")
        sections.append(try scale.entrySizes())
        if let data { try Self.plotData(curve).write(toFile: data, atomically: true, encoding: .utf8) }
        try show(sections)
    }

    private func measure(_ part: Part, _ place: Place) throws -> [Section] {
        switch part {
        case .small: [try SmallValues(place, fault: nil).measure()]
        case .busy: [try BesideWriter(place).measure()]
        case .watch: [try Wakes(place).measure()]
        case .watchcost: [try WatchCosts(place).measure()]
        case .many: try Scale(place).measure()
        case .sizes: [try Scale(place).entrySizes()]
        }
    }

    private func show(_ sections: [Section]) throws {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(sections), as: UTF8.self))
        } else {
            print(markdown ? Table(sections).markdown : Table(sections).text)
        }
    }

    /// A line for each number of keys; "?" for what wasn't measured.
    private static func plotData(_ curve: [Section]) -> String {
        let names = Scale.names
        let columns = [names.handle, names.name, names.lmdb, names.floor]
        let lines = curve.map { section in
            let times = columns.map { name in
                section.rows.first { $0.name == name }?.median.map { Table.number($0, 2) } ?? "?"
            }
            return "\(section.keyCount) " + times.joined(separator: " ")
        }
        return "# keys, then median ns of: by handle, by name, LMDB, C sequence lock\n" + lines.joined(separator: "\n")
            + "\n"
    }
}

extension SmallValues.Fault: ExpressibleByArgument {}

extension Profile.Work: ExpressibleByArgument {}
