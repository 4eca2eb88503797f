internal import ArgumentParser

/// The permission bits of a segment: r and w for the owner, the group and the others.
enum FileMode {
    /// Reads an octal mode, as in 0660, or throws a sentence that says what one looks like.
    static func parse(_ text: String) throws -> UInt32 {
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }),
            let mode = UInt32(text, radix: 8)
        else {
            throw ValidationError("a mode is an octal number from 0 to 0666, as in 0660")
        }
        guard mode & ~0o666 == 0 else {
            throw ValidationError("a segment's mode has r and w bits only, as in 0660")
        }
        return mode
    }

    /// Writes a mode as four octal digits.
    static func text(_ mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
}
