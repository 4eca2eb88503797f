internal import Glibc
internal import LinuxIPC
internal import SharedMem

/// Writes a file for each key of a segment, below one folder and never outside it.
struct TreeExport: ~Copyable {
    /// The folder; everything is opened beneath it, never through a link.
    private let root: Directory
    /// Whose keys are written.
    private let segment: Segment
    /// Whether files that are there already are replaced.
    private let replaces: Bool
    /// What was done.
    private var progress = Progress()
    /// What is told at the end.
    private var summary = ExportSummary()
    /// The folder that is known to be there, as the path of a file in it would name it.
    private var lastFolder: ArraySlice<[UInt8]> = []

    /// Opens the folder at `path`, which is made if it isn't there and otherwise must be empty unless `replaces`.
    init(_ segment: Segment, to path: String, replaces: Bool) throws(Failure) {
        self.root = try Self.folder(at: path, mayHaveEntries: replaces)
        self.segment = segment
        self.replaces = replaces
    }

    /// Opens or makes the folder at `path`: `mkdir(2)`.
    private static func folder(at path: String, mayHaveEntries: Bool) throws(Failure) -> Directory {
        let name = TerminalText.quoted(Array(path.utf8))
        if unsafe mkdir(path, 0o777) != 0, errno != EEXIST {
            throw Failure("can't make the folder \(name)", Errno(rawValue: errno))
        }
        do throws(Errno) {
            let folder = try Directory.open(path)
            if mayHaveEntries { return folder }
            guard try folder.entries().isEmpty else { throw Errno.fileExists }
            return folder
        } catch {
            if error == .fileExists {
                throw Failure(.full, "the folder \(name) isn't empty; --force writes into it all the same")
            }
            throw Failure("can't open the folder \(name)", error)
        }
    }

    /// Writes everything that can be and answers with what was done and what wasn't.
    ///
    /// An error that no later key could escape ends it at once.
    mutating func run() throws(Failure) -> ExportSummary {
        do throws(Failure) {
            try writeAll()
        } catch {
            progress.erase()
            throw error
        }
        progress.erase()
        summary.totals = FileTotals(progress)
        return summary
    }

    /// Writes one file after the other, in the order of the keys.
    private mutating func writeAll() throws(Failure) {
        let plan = TreePlan(keys: try Failure.reporting { () throws(SharedMemError) in try segment.sortedKeys() })
        for refused in plan.refused { summary.refuse(refused.key, refused.reason.text) }
        for path in plan.paths {
            let key = path.bytes
            let value = try Failure.reporting { () throws(SharedMemError) in try segment.get(key) }
            // Somebody has deleted the key meanwhile.
            guard let value else { continue }
            do throws(Errno) {
                try write(value, to: path)
                progress.count(byteCount: value.count)
            } catch {
                let reason = "it can't be written: \(error.description)"
                switch error {
                case .noSpace, .ioError: throw Failure(.inputOutput, TerminalText.quoted(key) + ": " + reason)
                default: summary.refuse(key, reason)
                }
            }
        }
    }

    /// Writes one file and makes the folders on the way to it.
    private mutating func write(_ value: [UInt8], to path: TreePath) throws(Errno) {
        let name = path.bytes
        if path.parent != lastFolder {
            try root.makeParents(of: name)
            lastFolder = path.parent
        }
        if replaces {
            try root.replaceFile(name, value)
        } else {
            try root.createFile(name, value)
        }
    }
}
