internal import ArgumentParser

/// What the argument parser says about a command line, as one sentence that names the help to read.
struct UsageSentence {
    /// The sentence, without a full stop.
    let text: String

    /// Makes a sentence of the parser's `message` about `arguments`.
    init(_ message: String, arguments: [String]) {
        let names = Shmctl.configuration.subcommands.compactMap { $0.configuration.commandName }
        guard let command = arguments.first(where: { names.contains($0) }) else {
            let help = "'shmctl --help' lists the commands"
            if let word = arguments.first, !word.hasPrefix("-") {
                text = "there is no command \(TerminalText.quoted(ByteArgument(decoding: word).bytes)); \(help)"
            } else {
                text = "\(Self.sentence(message)); \(help)"
            }
            return
        }
        text = "\(Self.sentence(message)); see 'shmctl \(command) --help'"
    }

    /// Joins the first line of `message` into one sentence that begins with a small letter.
    private static func sentence(_ message: String) -> String {
        let line = message.split(separator: "\n").first.map(String.init) ?? "the command line is wrong"
        var pieces = TerminalText.escaped(ByteArgument(decoding: line).bytes, keepsLines: true).split(separator: ". ")
            .map { piece in
                "\(piece.prefix(1).lowercased())\(piece.dropFirst())"
            }
        if let last = pieces.popLast() { pieces.append(last.hasSuffix(".") ? String(last.dropLast()) : last) }
        return pieces.joined(separator: "; ")
    }
}
