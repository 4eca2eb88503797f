internal import ArgumentParser
internal import SharedMem

/// Runs a transaction.
struct TransactionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transaction",
        abstract: "Do the operations on standard input all at once, or none of them.",
        discussion: """
            Nobody sees a part of it. There is an operation on each line:
              set KEY VALUE [TYPE]   TYPE: bytes, text, int64 or double
              delete KEY             or nothing, if there is no such key
              add KEY DELTA          to the whole number that the key holds
              expect KEY VERSION     0: no such key; if not so, exit status 2
            Versions are those before the transaction. Without a TYPE a value is text if it is UTF-8.
            A word with spaces, or an empty one, stands in double quotes, where \\n, \\r, \\t, \\", \\\\ and \\xHH are \
            escapes. Empty lines and lines that begin with # are skipped. A wrong line is named, and nothing is written.
            With --json a line is an object: {"set":KEY,"text":TEXT}, {"set":KEY,"value":BASE64}, both with a type \
            if need be, {"delete":KEY}, {"add":KEY,"delta":NUMBER} or {"expect":KEY,"version":NUMBER}; setBase64 and \
            so on take a key in base64.
            The version that all keys have got is written.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .customLong("json"), help: "Read and write JSON Lines: one object a line.")
    var isJSON = false

    @Argument(help: "The segment's name.")
    var segment: String

    /// Reads all operations, does them, and writes the version.
    func run() throws {
        let session = try connection.session()
        let opened = try session.open(segment, access: .readWrite)
        // A byte of a value takes four in words, and there are keys and verbs besides.
        let size = try session.info(of: segment).byteCount.multipliedReportingOverflow(by: 8)
        let limit = size.overflow ? .max : size.partialValue
        let text = try StandardInput.readAll(limit: limit, "the \(limit) bytes that operations on the segment can need")
        let operations = try Operation.operations(in: text, isJSON ? .json : .words)
        let version = try OperationRun(operations, on: opened).commit()
        var stream = StandardOutput()
        if isJSON {
            var object = JSONObject()
            object.append("segment", segment)
            object.append("version", version)
            try stream.write(object.line)
        } else {
            try stream.write(line: String(version))
        }
        try stream.finish()
    }
}
