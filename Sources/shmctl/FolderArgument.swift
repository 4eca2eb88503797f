extension ByteArgument {
    /// The argument as a folder's path, which the system calls behind it take as text.
    func folderPath() throws(Failure) -> String {
        guard !bytes.isEmpty else { throw Failure(.usage, "the folder's path is empty") }
        guard let path = String(validating: bytes, as: UTF8.self) else {
            throw Failure(
                .usage,
                "the folder's path \(TerminalText.quoted(bytes)) isn't UTF-8; change into the folder and name it '.'")
        }
        return path
    }
}
