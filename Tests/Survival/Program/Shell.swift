internal import Glibc
internal import TestSupport

/// Commands that a test is told to run.
enum Shell {
    /// Runs a command with standard output and errors as they are; `system(3)`.
    static func run(_ command: String) throws(Finding) {
        let status = unsafe system(command)
        guard status == 0 else {
            throw Finding("the command '\(command)' ended with status \(status >> 8 & 0xff), signal \(status & 0x7f)")
        }
    }

    /// The number that a command prints.
    static func number(printedBy command: String) throws(Finding) -> Int32 {
        guard let stream = unsafe popen(command, "re") else { throw Finding("the command '\(command)' can't be run") }
        var line = [CChar](repeating: 0, count: 64)
        let isThere = unsafe fgets(&line, Int32(line.count), stream) != nil
        let status = unsafe pclose(stream)
        let text = String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init), as: UTF8.self)
        guard isThere, status == 0, let number = Int32(text) else {
            throw Finding("the command '\(command)' printed '\(text)', not a number")
        }
        return number
    }
}
