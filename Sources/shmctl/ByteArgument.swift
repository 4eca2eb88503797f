internal import ArgumentParser
internal import Glibc

/// An argument of the command line as the bytes it was given as, which needn't be UTF-8.
///
/// The argument parser works on `String`, which can't hold every byte sequence. `encoded(_:)` turns arguments into
/// strings before they are parsed: a byte that is no part of a UTF-8 scalar becomes one of the private-use scalars
/// U+10FF00 to U+10FFFF, and so do the bytes of those scalars themselves, so that nothing else decodes to them.
struct ByteArgument: Equatable {
    /// The argument's bytes.
    let bytes: [UInt8]

    /// Makes an argument of its bytes.
    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Takes the bytes out of what `encoded(_:)` made.
    init(decoding text: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if Self.stands(scalar) {
                bytes.append(UInt8(truncatingIfNeeded: scalar.value))
            } else {
                bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        self.bytes = bytes
    }

    /// Turns `bytes` into a string that `init(decoding:)` turns back.
    static func encoded(_ bytes: [UInt8]) -> String {
        var text = ""
        for piece in UTF8Pieces(bytes) {
            if let scalar = piece.scalar, !stands(scalar) {
                text.unicodeScalars.append(scalar)
            } else {
                for byte in piece.bytes {
                    text.unicodeScalars.append(Unicode.Scalar(0x10FF00 + UInt32(byte)) ?? "\u{FFFD}")
                }
            }
        }
        return text
    }

    /// Whether `scalar` is one of those that stand for a byte.
    private static func stands(_ scalar: Unicode.Scalar) -> Bool {
        (0x10FF00...0x10FFFF).contains(scalar.value)
    }
}

extension ByteArgument: ExpressibleByArgument {
    /// Takes the argument from the argument parser.
    init(argument: String) {
        self.init(decoding: argument)
    }
}

extension ByteArgument {
    /// Reads the process's own arguments, without the program's name, as `encoded(_:)` makes them.
    static func commandLine() -> [String] {
        let count = Int(CommandLine.argc)
        guard count > 1 else { return [] }
        return (1..<count).map { index in
            // `argv` holds `argc` strings that end in NUL and that nobody changes while the program runs.
            guard let start = unsafe CommandLine.unsafeArgv[index] else { return "" }
            return unsafe encoded(UnsafeBufferPointer(start: start, count: strlen(start)).map(UInt8.init(bitPattern:)))
        }
    }
}
