internal import Glibc
internal import LinuxIPC

/// The program's standard input.
enum StandardInput {
    /// Whether a person types it.
    static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Reads to the end, but refuses more than `limit` bytes, which are `what`; nil: as many as the segment has.
    static func readAll(limit: UInt64, _ what: String? = nil) throws(Failure) -> [UInt8] {
        do throws(Errno) {
            guard let bytes = try StandardStream.readAll(from: STDIN_FILENO, limit: limit) else {
                throw Errno(rawValue: EFBIG)
            }
            return bytes
        } catch {
            if error == Errno(rawValue: EFBIG) {
                throw Failure(.full, "standard input is longer than \(what ?? "the segment's \(limit) bytes")")
            }
            throw Failure("can't read standard input", error)
        }
    }
}
