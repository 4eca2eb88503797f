internal import ArgumentParser
internal import SharedMem

/// Deletes keys.
struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete keys.",
        discussion: "A key that isn't there makes the exit status 1; all others are deleted all the same.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The segment's name.")
    var segment: String

    @Argument(help: ArgumentHelp("The keys: each at most 512 bytes.", valueName: "key"))
    var keys: [ByteArgument]

    @Option(
        help: ArgumentHelp(
            "Delete the one KEY only if it has this version; otherwise exit status 2.", valueName: "version"))
    var ifVersion: UInt64?

    /// Refuses a version that can't be one key's.
    func validate() throws {
        guard let ifVersion else { return }
        if keys.count > 1 { throw ValidationError("--if-version goes with one KEY") }
        if ifVersion == 0 { throw ValidationError("--if-version is above 0: a key that isn't there can't be deleted") }
    }

    /// Deletes one key after the other.
    func run() throws {
        let keys = try keys.map { try $0.key() }
        let opened = try connection.session().open(segment, access: .readWrite)
        var stream = StandardOutput()
        var missing: [String] = []
        for key in keys {
            let isDeleted = try delete(key, of: opened)
            if !isDeleted { missing.append(TerminalText.quoted(key)) }
            guard output.isJSON else { continue }
            var object = JSONObject(segment: segment, key: key)
            object.append("isDeleted", isDeleted)
            try stream.write(object.line)
        }
        try stream.finish()
        if !missing.isEmpty {
            throw Failure(.missing, "segment '\(segment)' has no key \(missing.joined(separator: ", "))")
        }
    }

    /// Deletes a key under the condition that was given, and answers whether there was one.
    private func delete(_ key: [UInt8], of opened: Segment) throws -> Bool {
        do throws(SharedMemError) {
            return try opened.delete(key, ifVersion: ifVersion)
        } catch {
            guard error.code == .versionDiffers, let ifVersion else { throw error }
            throw Failure.versionDiffers(segment, key, expected: ifVersion, actual: error.available)
        }
    }
}
