internal import Glibc
internal import LinuxIPC

/// A small file of text, read whole.
enum TextFile {
    /// Why it can't be read.
    enum Failure: Error {
        /// The system says why.
        case system(Errno)
        /// It isn't UTF-8.
        case notText
        /// It's larger than `limit` bytes.
        case tooLarge(limit: Int)
    }

    /// Reads `name`, which is relative to `folder` unless it's absolute: `openat(2)`, `read(2)`.
    static func read(_ name: String, in folder: CInt = AT_FDCWD, limit: Int = 1 << 20) throws(Failure) -> String {
        let raw = unsafe openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard raw >= 0 else { throw .system(Errno(rawValue: errno)) }
        let file = FileDescriptor(owning: raw)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Glibc.read(file.rawValue, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(Errno(rawValue: errno)) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
        return text
    }
}

extension TextFile.Failure: CustomStringConvertible {
    /// The reason, as the end of a sentence.
    var description: String {
        switch self {
        case .system(let error): error.description
        case .notText: "it isn't UTF-8 text"
        case .tooLarge(let limit): "it's larger than \(ByteSize(UInt64(limit)))"
        }
    }
}
