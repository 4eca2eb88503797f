internal import Glibc
internal import LinuxIPC
package import SharedMemProtocol

/// The folder that keeps the definitions of segments which clients made: `STATE/segments/NAME.yaml`.
package struct DefinitionFolder: ~Copyable {
    /// The folder's path, for messages.
    private let path: String
    /// The folder.
    private let folder: FileDescriptor

    /// Why a definition can't be kept.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        /// What failed and why, in one sentence without a full stop.
        package let description: String
    }

    /// Opens the folder in `stateDirectory`; makes what is missing, with mode 0700: `mkdir(2)`.
    package init(stateDirectory: String) throws(Failure) {
        let path = stateDirectory + "/segments"
        do throws(Errno) {
            folder = try Self.folder(path, in: stateDirectory)
        } catch {
            throw Failure(description: "the folder \(path) can't be used: \(error)")
        }
        self.path = path
    }

    /// Keeps a definition: written beside, then renamed, and on the disk when this returns: `fsync(2)`, `renameat(2)`.
    package func remember(_ definition: SegmentDefinition) throws(Failure) {
        let name = "\(definition.name).yaml"
        let temporary = ".\(name).new"
        do throws(Errno) {
            try Self.write(
                Self.text(of: definition),
                to: try Self.open(
                    temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, in: folder.rawValue, mode: 0o600))
            guard unsafe renameat(folder.rawValue, temporary, folder.rawValue, name) == 0, fsync(folder.rawValue) == 0
            else { throw Errno(rawValue: errno) }
        } catch {
            // It may not exist; what matters is the error above.
            _ = unsafe unlinkat(folder.rawValue, temporary, 0)
            throw Failure(description: "the definition \(path)/\(name) can't be written: \(error)")
        }
    }

    /// Drops a definition; it's gone from the disk when this returns: `unlinkat(2)`.
    package func forget(_ name: SegmentName) throws(Failure) {
        let file = "\(name).yaml"
        guard unsafe unlinkat(folder.rawValue, file, 0) == 0 || errno == ENOENT, fsync(folder.rawValue) == 0 else {
            throw Failure(description: "the definition \(path)/\(file) can't be removed: \(Errno(rawValue: errno))")
        }
    }

    /// Reads all definitions, by name; each file that can't be used becomes a sentence.
    package func recall() throws(Failure) -> (definitions: [SegmentDefinition], problems: [String]) {
        let names: [String]
        do throws(Errno) {
            names = try fileNames()
        } catch {
            throw Failure(description: "the folder \(path) can't be read: \(error)")
        }
        var definitions: [SegmentDefinition] = []
        var problems: [String] = []
        for file in names.sorted() {
            do throws(ConfigurationError) {
                definitions.append(try read(file))
            } catch {
                problems.append("\(error)")
            }
        }
        return (definitions, problems)
    }

    /// Reads one definition.
    private func read(_ file: String) throws(ConfigurationError) -> SegmentDefinition {
        let place = "\(path)/\(file)"
        guard file.hasSuffix(".yaml"), let name = SegmentName(String(file.dropLast(5))) else {
            throw ConfigurationError(file: place, line: nil, sentence: "is no definition; expected the name NAME.yaml")
        }
        let text: String
        do throws(TextFile.Failure) {
            text = try TextFile.read(file, in: folder.rawValue, limit: 64 << 10)
        } catch {
            throw ConfigurationError(file: place, line: nil, sentence: "can't be read: \(error)")
        }
        return try Self.definition(text, of: name, file: place)
    }
}

// MARK: The format

extension DefinitionFolder {
    /// A definition's text: ids as numbers, everything said.
    static func text(of definition: SegmentDefinition) -> String {
        var text = "size: \(definition.byteCount)\nentries: \(definition.entryCount)\n"
        if let owner = definition.owner { text += "owner: \(owner)\n" }
        if let group = definition.group { text += "group: \(group)\n" }
        let mode = String(definition.mode, radix: 8)
        return text + "mode: \"" + String(repeating: "0", count: 4 - min(4, mode.utf8.count)) + mode + "\"\n"
    }

    /// Reads a definition's text: every option must be there, or it is damaged.
    static func definition(
        _ text: String, of name: SegmentName, file: String
    ) throws(ConfigurationError) -> SegmentDefinition {
        let names = ["size", "entries", "owner", "group", "mode"]
        let expected = "the definition of a segment"
        guard let document = try Setting(parsing: text, file: file) else {
            throw ConfigurationError(file: file, line: nil, sentence: "the document is empty; expected \(expected)")
        }
        let options = try document.members(of: names, expected: expected)
        guard let size = options["size"], let entries = options["entries"], let owner = options["owner"],
            let group = options["group"], let mode = options["mode"]
        else {
            let missing = names.filter { options[$0] == nil }.joined(separator: ", ")
            throw ConfigurationError(file: file, line: nil, sentence: "\(missing) missing; expected \(expected)")
        }
        let ids: ClosedRange<UInt64> = 0...UInt64(UInt32.max - 1)
        return SegmentDefinition(
            name: name, byteCount: try ConfigurationReader.number(size, in: 1...UInt64.max),
            entryCount: try ConfigurationReader.number(entries, in: 0...UInt64.max),
            mode: try ConfigurationReader.mode(mode), owner: UInt32(try ConfigurationReader.number(owner, in: ids)),
            group: UInt32(try ConfigurationReader.number(group, in: ids)))
    }
}

// MARK: System calls

extension DefinitionFolder {
    /// Opens the folder at `path`, which must be writable: `access(2)`.
    private static func folder(_ path: String, in stateDirectory: String) throws(Errno) -> FileDescriptor {
        try makeFolder(stateDirectory)
        try makeFolder(path)
        guard unsafe access(path, W_OK | X_OK) == 0 else { throw Errno(rawValue: errno) }
        return try open(path, O_RDONLY | O_DIRECTORY)
    }

    /// Makes a folder that only its owner may enter, unless it exists: `mkdir(2)`.
    private static func makeFolder(_ path: String) throws(Errno) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
    }

    /// Opens a file or a folder: `openat(2)`.
    private static func open(
        _ name: String, _ flags: CInt, in folder: CInt = AT_FDCWD, mode: mode_t = 0
    ) throws(Errno) -> FileDescriptor {
        while true {
            let raw = unsafe openat(folder, name, flags | O_CLOEXEC, mode)
            if raw >= 0 { return FileDescriptor(owning: raw) }
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
    }

    /// Writes a whole text and waits for the disk: `write(2)`, `fsync(2)`.
    private static func write(_ text: String, to file: borrowing FileDescriptor) throws(Errno) {
        var rest = ArraySlice(text.utf8)
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Errno(rawValue: errno) }
            rest = rest.dropFirst(count)
        }
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    /// Lists the folder, but for what begins with a dot (a temporary file that a kill left): `readdir(3)`.
    private func fileNames() throws(Errno) -> [String] {
        let raw = try Self.open(path, O_RDONLY | O_DIRECTORY).release()
        guard let stream = unsafe fdopendir(raw) else {
            let error = Errno(rawValue: errno)
            close(raw)
            throw error
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw Errno(rawValue: errno) }
                return names
            }
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.utf8.starts(with: ".".utf8) { names.append(name) }
        }
    }
}
