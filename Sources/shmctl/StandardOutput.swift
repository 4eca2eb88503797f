internal import Glibc
internal import LinuxIPC

/// The program's standard output, gathered and written in large pieces; data goes here, words don't.
struct StandardOutput: ~Copyable {
    /// What isn't written yet.
    private var pending: [UInt8] = []

    /// How many bytes are gathered before they are written.
    private static var pieceByteCount: Int { 1 << 16 }

    /// Begins with nothing to write.
    init() {}

    /// Whether a person looks at it.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Adds `bytes`.
    mutating func write(_ bytes: [UInt8]) throws(Failure) {
        pending += bytes
        if pending.count >= Self.pieceByteCount { try flush() }
    }

    /// Adds a line of text.
    mutating func write(line: String) throws(Failure) {
        try write(Array(line.utf8) + [UInt8(ascii: "\n")])
    }

    /// Writes what is left.
    consuming func finish() throws(Failure) {
        try flush()
    }

    /// Writes all that was gathered.
    private mutating func flush() throws(Failure) {
        do throws(Errno) {
            try StandardStream.write(pending, to: STDOUT_FILENO)
        } catch {
            throw Failure("can't write to standard output", error)
        }
        pending.removeAll(keepingCapacity: true)
    }
}
