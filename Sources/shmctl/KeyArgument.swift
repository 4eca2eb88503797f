internal import ArgumentParser

extension ByteArgument {
    /// The longest key, in bytes.
    static var maximumKeyByteCount: Int { 512 }

    /// The argument as a key, or a sentence about its length.
    func key() throws(Failure) -> [UInt8] {
        guard bytes.count <= Self.maximumKeyByteCount else {
            throw Failure(
                .usage, "the key has \(bytes.count) bytes, and a key has at most \(Self.maximumKeyByteCount)")
        }
        return bytes
    }
}
