import Foundation

/// A folder that goes away when a test ends.
struct TemporaryFolder {
    /// Where it is.
    let path: String

    /// Runs `body` with a new folder and removes it afterwards.
    static func use<Result>(_ body: (TemporaryFolder) throws -> Result) throws -> Result {
        var template = Array("/tmp/shmctl-tests.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Other users than the one who runs the tests reach the daemon's socket in it.
        chmod(path, 0o755)
        let folder = TemporaryFolder(path: path)
        do {
            let result = try body(folder)
            try FileManager.default.removeItem(atPath: path)
            return result
        } catch {
            try FileManager.default.removeItem(atPath: path)
            throw error
        }
    }

    /// The path of `name` in it.
    func path(_ name: String) -> String { path + "/" + name }

    /// The address of `name` in it.
    func url(_ name: String) -> URL { URL(fileURLWithPath: path(name)) }

    /// Makes an empty file and opens it for writing.
    func file(_ name: String) throws -> FileHandle {
        try Data().write(to: url(name))
        return try FileHandle(forWritingTo: url(name))
    }
}
