internal import Glibc
internal import LinuxIPC

/// The program's standard error output: words for the person who called it.
enum StandardError {
    /// Whether a person looks at it.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Says one sentence, with the program's name before it.
    static func say(_ sentence: String) {
        write("shmctl: " + sentence + "\n")
    }

    /// Writes `text` as it is.
    static func write(_ text: String) {
        do throws(Errno) {
            try StandardStream.write(Array(text.utf8), to: STDERR_FILENO)
        } catch {
            // There is nowhere left to say that words can't be written; the exit status still tells.
        }
    }
}
