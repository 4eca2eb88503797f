internal import LinuxIPC
internal import SharedMem

/// Sets a key for each regular file below a folder: the key is the path, the value the content.
struct TreeImport {
    /// Where the keys are set.
    private let segment: Segment
    /// Bytes that no value can be longer than.
    private let limit: UInt64
    /// What was done.
    private var progress = Progress()
    /// What is told at the end.
    private var summary = ImportSummary()

    /// Prepares an import into `segment`, which has `limit` bytes.
    init(into segment: Segment, limit: UInt64) {
        self.segment = segment
        self.limit = limit
    }

    /// Opens the folder at `path`.
    private static func folder(at path: String) throws(Failure) -> Directory {
        do throws(Errno) {
            return try Directory.open(path)
        } catch {
            throw Failure("can't open the folder \(TerminalText.quoted(Array(path.utf8)))", error)
        }
    }

    /// Imports everything below the folder at `path` that can be, and answers with what was done and what wasn't.
    ///
    /// An error that no later file could escape ends it at once.
    mutating func run(_ path: String) throws(Failure) -> ImportSummary {
        let root = try Self.folder(at: path)
        do throws(Failure) {
            try importAll(below: root)
        } catch {
            progress.erase()
            summary.totals = FileTotals(progress)
            StandardError.say(summary.text)
            throw error
        }
        progress.erase()
        summary.totals = FileTotals(progress)
        return summary
    }

    /// Imports folder by folder.
    private mutating func importAll(below root: borrowing Directory) throws(Failure) {
        // The next one is last.
        var folders = try importFiles(of: root, at: [])
        while let path = folders.popLast() {
            let folder: Directory
            do throws(Errno) {
                folder = try root.openDirectory(path)
            } catch {
                summary.refuse(path, Failure("the folder can't be opened", error))
                continue
            }
            folders += try importFiles(of: folder, at: path)
        }
    }

    /// Imports the files of one folder and answers with the folders in it, the first one last.
    private mutating func importFiles(of folder: borrowing Directory, at path: [UInt8]) throws(Failure) -> [[UInt8]] {
        let entries: [Directory.Entry]
        do throws(Errno) {
            entries = try folder.entries().sorted { $0.name.lexicographicallyPrecedes($1.name) }
        } catch {
            summary.refuse(path, Failure("the folder can't be read", error))
            return []
        }
        if entries.isEmpty { summary.emptyFolderCount += 1 }
        var found: [[UInt8]] = []
        for entry in entries {
            let key = path.isEmpty ? entry.name : path + [UInt8(ascii: "/")] + entry.name
            switch entry.kind {
            case .regular: try importFile(entry.name, of: folder, as: key)
            case .directory: found.append(key)
            case .link: summary.linkCount += 1
            case .socket, .other: summary.specialCount += 1
            }
        }
        return found.reversed()
    }

    /// Sets `key` to the content of one file, or writes down why that can't be.
    private mutating func importFile(_ name: [UInt8], of folder: borrowing Directory, as key: [UInt8]) throws(Failure) {
        let value: [UInt8]
        do throws(Failure) {
            guard let content = try content(of: name, of: folder, as: key) else {
                summary.specialCount += 1
                return
            }
            value = content
        } catch {
            summary.refuse(key, error)
            return
        }
        do throws(SharedMemError) {
            try segment.set(key, to: value)
            progress.count(byteCount: value.count)
        } catch {
            switch error.code {
            case .full, .valueTooLarge, .quota: summary.refuse(key, Failure(error))
            default: throw Failure(error)
            }
        }
    }

    /// Reads a file, or answers nil if it is a regular file no more.
    private func content(
        of name: [UInt8], of folder: borrowing Directory, as key: [UInt8]
    ) throws(Failure) -> [UInt8]? {
        _ = try ByteArgument(bytes: key).key()
        do throws(Errno) {
            return try folder.readFile(name, atMost: Int(clamping: limit))
        } catch {
            switch error {
            // Something else has taken the file's place since the folder was read.
            case .invalidArgument: return nil
            case .fileTooLarge: throw Failure(.full, "it is longer than the segment's \(limit) bytes")
            default: throw Failure("it can't be read", error)
            }
        }
    }
}
