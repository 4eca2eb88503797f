internal import ArgumentParser

/// What the argument parser says about a command line, as one sentence that names the help to read.
struct UsageSentence {
    /// The sentence, without a full stop.
    let text: String

    /// Makes a sentence of the parser's `message` about `arguments`.
    init(_ message: String, arguments: [String]) {
        let firstLine = message.split(separator: "\n").first ?? "The command line is wrong"
        var sentence = Substring(TerminalText.escaped(Array(firstLine.utf8), keepsLines: true))
        while sentence.last == "." { sentence = sentence.dropLast() }
        let names = Shmctl.configuration.subcommands.compactMap { $0.configuration.commandName }
        let command = arguments.first { names.contains($0) }.map { "shmctl \($0)" } ?? "shmctl"
        text = "\(sentence.prefix(1).lowercased())\(sentence.dropFirst()); see '\(command) --help'"
    }
}
