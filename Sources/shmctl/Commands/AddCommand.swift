internal import ArgumentParser
internal import SharedMem

/// Adds to a number.
struct AddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add to the whole number that a key holds, and write the sum.",
        discussion: """
            No other program's change is lost in between. A key that isn't there counts as 0. Text that is a whole \
            number becomes an int64. When the value expires stays as it was.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var written: WrittenKey

    @Argument(help: "What is added: a whole number, negative or not. (default: 1)")
    var delta: ByteArgument?

    /// Adds and writes the sum.
    func run() throws {
        let (segment, key) = (written.segment, try written.key.key())
        let delta = try delta.map { delta throws(Failure) in try NumberText.integer(delta.bytes) } ?? 1
        let opened = try connection.session().open(segment, access: .readWrite)
        let sum = try add(delta, to: key, of: opened)
        var stream = StandardOutput()
        if output.isJSON {
            var object = JSONObject(segment: segment, key: key)
            object.append("number", sum)
            try stream.write(object.line)
        } else {
            try stream.write(line: String(sum))
        }
        try stream.finish()
    }

    /// Adds, or says which key can't be added to.
    private func add(_ delta: Int64, to key: [UInt8], of opened: Segment) throws -> Int64 {
        do throws(SharedMemError) {
            return try opened.add(delta, to: key)
        } catch {
            switch error.code {
            case .wrongType: throw Failure.notAnInteger(opened.name, key, try opened.metadata(key)?.type)
            case .outOfRange: throw Failure.sumOutOfRange(opened.name, key)
            default: throw error
            }
        }
    }
}
