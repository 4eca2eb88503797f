internal import ArgumentParser

// The argument parser takes -5 for an option. In the commands that take a number or a value at the end of their
// arguments it is disguised: its dash becomes the scalar that stands for the byte of a dash, which is no dash to the
// parser and one again after decoding.

extension ByteArgument {
    /// The scalar that a number's dash becomes.
    private static let dash: Unicode.Scalar = "\u{10FF2D}"

    /// The commands in which a negative number is no option.
    private static let commandNames = ["add", "set"]

    /// Disguises the negative numbers among `arguments`, up to a '--'.
    ///
    /// The argument behind the command's name is left alone: no segment is called so.
    static func disguisingNumbers(_ arguments: [String]) -> [String] {
        guard let command = arguments.firstIndex(where: commandNames.contains) else { return arguments }
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments.indices.map { index in
            let argument = arguments[index]
            guard index > command + 1, index < end, isNegativeNumber(argument) else { return argument }
            return String(dash) + argument.dropFirst()
        }
    }

    /// Whether `argument` is -inf, or a dash and a digit, or a dash, a point and a digit, and whatever follows.
    private static func isNegativeNumber(_ argument: String) -> Bool {
        if argument == "-inf" { return true }
        var rest = argument.utf8[...]
        guard rest.popFirst() == UInt8(ascii: "-") else { return false }
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst() }
        return rest.first.map { (0x30...0x39).contains($0) } ?? false
    }

    /// Takes a KEY from the argument parser; one that looks like a number was hardly meant as a key.
    static func parseKey(_ text: String) throws -> ByteArgument {
        guard text.unicodeScalars.first != dash else {
            throw ValidationError("a KEY that begins with a dash stands after '--'")
        }
        return ByteArgument(decoding: text)
    }
}
