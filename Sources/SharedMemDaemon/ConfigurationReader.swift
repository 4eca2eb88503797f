internal import SharedMemBroker
internal import SharedMemProtocol
internal import SharedMemStore

/// Reads a configuration file strictly: what it doesn't know or can't use is an error with its line.
package struct ConfigurationReader {
    /// The file's name, for errors.
    let file: String
    /// Who exists.
    let accounts: Accounts
    /// The machine's memory, in bytes.
    let memory: UInt64
    /// What is odd but can be used; sentences.
    package private(set) var warnings: [String] = []
    /// Whether the missing group was already told of.
    private var toldOfSharedGroup = false

    package init(file: String, accounts: Accounts, memory: UInt64) {
        self.file = file
        self.accounts = accounts
        self.memory = memory
    }

    /// The options of the document, in the order of the reference.
    private static let options = [
        "socket", "state-directory", "log-level", "memory-limit", "connections-per-user", "creators", "segments",
    ]
    /// The options of a segment.
    private static let segmentOptions = ["size", "entries", "owner", "group", "mode"]

    /// Makes the configuration that counts without a file.
    package mutating func builtIn() throws(ConfigurationError) -> Configuration {
        Configuration(sharedGroup: try sharedGroup(line: nil))
    }

    /// Reads `text`; an option that it doesn't name keeps its built-in value.
    package mutating func read(_ text: String) throws(ConfigurationError) -> Configuration {
        guard let document = try Setting(parsing: text, file: file) else { return try builtIn() }
        let options = try document.members(of: Self.options, expected: "options and their values")
        // Without `segments` the built-in one stays, and only then its group has to exist.
        var configuration =
            options["segments"] == nil ? try builtIn() : Configuration(sharedGroup: 0)
        if let setting = options["socket"] {
            configuration.socketPath = try Self.path(setting, limit: 107)
        }
        if let setting = options["state-directory"] {
            configuration.stateDirectory = try Self.path(setting, limit: 4000)
        }
        if let setting = options["log-level"] { configuration.logLevel = try Self.logLevel(setting) }
        if let setting = options["memory-limit"] { configuration.memoryLimit = try memoryLimit(setting) }
        if let setting = options["connections-per-user"] {
            configuration.connectionsPerUser = Int(try Self.number(setting, in: 1...65_536))
        }
        if let setting = options["creators"] { configuration.creators = try creators(setting) }
        if let setting = options["segments"] {
            configuration.segments = try segments(setting)
            try check(configuration, at: setting)
        }
        return configuration
    }

    /// Refuses segments that can't all exist.
    private func check(_ configuration: Configuration, at setting: Setting) throws(ConfigurationError) {
        let limit = configuration.memoryLimit.byteCount(ofMemory: memory)
        let sum = configuration.segments.reduce(0 as UInt64) { $0.addingReportingOverflow($1.byteCount).partialValue }
        guard sum > limit else { return }
        throw ConfigurationError(
            file: file, line: setting.line,
            sentence: "segments take \(ByteSize(sum)) together (\(sum) bytes); expected at most the memory-limit of "
                + "\(ByteSize(limit)) (\(limit) bytes)")
    }
}

// MARK: Values

extension ConfigurationReader {
    /// Reads an absolute path.
    private static func path(_ setting: Setting, limit: Int) throws(ConfigurationError) -> String {
        let expected = "an absolute path of at most \(limit) bytes"
        let path = try setting.text(expected: expected)
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= limit, !path.utf8.contains(0) else {
            throw setting.wrong(expected: expected)
        }
        return path
    }

    /// Reads a level's name.
    private static func logLevel(_ setting: Setting) throws(ConfigurationError) -> Log.Level {
        let expected = "error, warning, notice, info or debug"
        guard let level = Log.Level(name: try setting.text(expected: expected)) else {
            throw setting.wrong(expected: expected)
        }
        return level
    }

    /// Reads a whole number.
    static func number(_ setting: Setting, in range: ClosedRange<UInt64>) throws(ConfigurationError) -> UInt64 {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let text = try setting.text(expected: expected)
        guard text.utf8.first != UInt8(ascii: "+"), let number = UInt64(text), range.contains(number) else {
            throw setting.wrong(expected: expected)
        }
        return number
    }

    /// Reads a segment's size.
    private func size(_ setting: Setting) throws(ConfigurationError) -> UInt64 {
        let least = Geometry.minimumByteCount
        let expected = "a size from \(ByteSize(least)) to \(ByteSize(memory)) (this machine's memory), such as 16MiB"
        guard let size = ByteSize(text: try setting.text(expected: expected)), size.byteCount >= least,
            size.byteCount <= memory
        else { throw setting.wrong(expected: expected) }
        return size.byteCount
    }

    /// Reads a number of bytes or a part of the machine's memory.
    private func memoryLimit(_ setting: Setting) throws(ConfigurationError) -> Configuration.MemoryLimit {
        let expected =
            "a size from \(ByteSize(Geometry.minimumByteCount)) to \(ByteSize(memory)) (this machine's memory), such as 512MiB, or 1% to 100%"
        let text = try setting.text(expected: expected)
        if text.utf8.last == UInt8(ascii: "%") {
            guard let percentage = UInt64(text.dropLast()), (1...100).contains(percentage),
                text.utf8.first != UInt8(ascii: "+")
            else { throw setting.wrong(expected: expected) }
            return .percentage(percentage)
        }
        guard let size = ByteSize(text: text), size.byteCount >= Geometry.minimumByteCount, size.byteCount <= memory
        else {
            throw setting.wrong(expected: expected)
        }
        return .bytes(size.byteCount)
    }

    /// Reads permission bits: octal digits, with or without a 0 in front, with or without quotation marks.
    static func mode(_ setting: Setting) throws(ConfigurationError) -> UInt32 {
        let expected = "an octal mode of r and w alone, from 0000 to 0666, such as 0660"
        let text = try setting.text(expected: expected)
        guard (3...4).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "+"),
            let mode = UInt32(text, radix: 8),
            mode & ~0o666 == 0
        else { throw setting.wrong(expected: expected) }
        return mode
    }

    /// Reads a user's name or uid.
    private func user(_ setting: Setting) throws(ConfigurationError) -> UInt32 {
        try id(setting, expected: "the name or the number of a user that exists", find: accounts.uid)
    }

    /// Reads a group's name or gid; for the group `sharedmem`, where it doesn't exist, root's group stands in.
    private mutating func group(_ setting: Setting) throws(ConfigurationError) -> UInt32 {
        let expected = "the name or the number of a group that exists"
        if try setting.text(expected: expected) == Configuration.sharedGroup {
            return try sharedGroup(line: setting.line)
        }
        return try id(setting, expected: expected, find: accounts.gid)
    }

    /// Reads a name or a number; 4294967295 means "unchanged" to the kernel and is nobody.
    private func id(
        _ setting: Setting, expected: String, find: (String) throws(Accounts.Unanswered) -> UInt32?
    ) throws(ConfigurationError) -> UInt32 {
        let text = try setting.text(expected: expected)
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            guard let number = UInt32(text), number != .max else { throw setting.wrong(expected: expected) }
            return number
        }
        let found: UInt32?
        do throws(Accounts.Unanswered) {
            found = try find(text)
        } catch {
            throw ConfigurationError(
                file: file, line: setting.line,
                sentence: "\(setting.path) is \(text.quoted), which can't be looked up: \(error.reason)")
        }
        guard let found else { throw setting.wrong(expected: expected) }
        return found
    }

    /// The gid of the group `sharedmem`, or root's with a warning.
    private mutating func sharedGroup(line: Int?) throws(ConfigurationError) -> UInt32 {
        let name = Configuration.sharedGroup
        do throws(Accounts.Unanswered) {
            if let gid = try accounts.gid(name) { return gid }
        } catch {
            throw ConfigurationError(
                file: file, line: line, sentence: "the group \(name.quoted) can't be looked up: \(error.reason)")
        }
        if !toldOfSharedGroup {
            warnings.append("the group \(name.quoted) doesn't exist; its segments belong to the group of root")
            toldOfSharedGroup = true
        }
        return 0
    }
}

// MARK: Groups of values

extension ConfigurationReader {
    /// Reads who may create segments.
    private mutating func creators(_ setting: Setting) throws(ConfigurationError) -> Broker.Configuration.Creators? {
        let expected = "\"everyone\" or lists of users and groups"
        if let word = setting.word {
            guard word == "everyone" else { throw setting.wrong(expected: expected) }
            return nil
        }
        let lists = try setting.members(of: ["users", "groups"], expected: expected)
        var creators = Broker.Configuration.Creators(users: [], groups: [])
        for item in try lists["users"]?.items(expected: "a list of users") ?? [] {
            creators.users.insert(try user(item))
        }
        for item in try lists["groups"]?.items(expected: "a list of groups") ?? [] {
            creators.groups.insert(try group(item))
        }
        return creators
    }

    /// Reads the segments.
    private mutating func segments(_ setting: Setting) throws(ConfigurationError) -> [SegmentDefinition] {
        var segments: [SegmentDefinition] = []
        for (key, segment) in try setting.members(expected: "segments by name, or {} for none") {
            guard let name = SegmentName(key) else {
                throw ConfigurationError(
                    file: file, line: segment.line,
                    sentence: "segments has the name \(key.quoted); expected 1 to \(SegmentName.maximumByteCount) of "
                        + "A-Z a-z 0-9 . _ -, not starting with a dot")
            }
            segments.append(try definition(segment, name: name))
        }
        return segments
    }

    /// Reads one segment.
    private mutating func definition(
        _ setting: Setting, name: SegmentName
    ) throws(ConfigurationError) -> SegmentDefinition {
        let options = try setting.members(of: Self.segmentOptions, expected: "the options of a segment")
        guard let sizeSetting = options["size"] else {
            throw ConfigurationError(
                file: file, line: setting.line,
                sentence: "\(setting.path).size is missing; expected a size such as 16MiB")
        }
        var definition = SegmentDefinition(
            name: name, byteCount: try size(sizeSetting), mode: 0o600, owner: 0, group: 0)
        if let entries = options["entries"] {
            definition.entryCount = try Self.number(entries, in: 0...UInt64(UInt32.max))
        }
        do throws(StoreError) {
            _ = try Geometry(planning: definition.byteCount, entryCount: definition.entryCount)
        } catch {
            throw ConfigurationError(
                file: file, line: setting.line, sentence: "\(setting.path) can't be made: \(error)")
        }
        if let owner = options["owner"] { definition.owner = try user(owner) }
        if let group = options["group"] { definition.group = try self.group(group) }
        if let mode = options["mode"] { definition.mode = try Self.mode(mode) }
        return definition
    }
}
