/// Why a configuration can't be used.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    package let file: String
    /// The line, from 1; nil: the file as a whole.
    package let line: Int?
    /// What is wrong, which, and what was expected.
    package let sentence: String

    package init(file: String, line: Int?, sentence: String) {
        self.file = file
        self.line = line
        self.sentence = sentence
    }

    /// `FILE:LINE: sentence`.
    package var description: String {
        guard let line else { return "\(file): \(sentence)" }
        return "\(file):\(line): \(sentence)"
    }
}
