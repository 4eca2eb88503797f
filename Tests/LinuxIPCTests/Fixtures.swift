import Foundation
import LinuxIPC

/// Returns what `body` throws, nil if nothing; works with values that can't be copied.
func errno(of body: () throws(Errno) -> Void) -> Errno? {
    do throws(Errno) {
        try body()
        return nil
    } catch {
        return error
    }
}

/// Counts this process's descriptors of the memory file with a label of the test's own, whatever other tests do.
func descriptorCount(label: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { number in
        // The descriptor of the listing itself is gone by now.
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)"))
            .map { $0.hasPrefix("/memfd:\(label) ") } ?? false
    }
}

/// Owns an empty folder and removes it with all that is in it.
struct TemporaryFolder: ~Copyable {
    /// Where it is.
    let path: String

    init() throws {
        var template = Array("/tmp/linuxipc-tests.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Errno(rawValue: Glibc.errno) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Peers run as other users.
        guard unsafe chmod(path, 0o755) == 0 else { throw Errno(rawValue: Glibc.errno) }
        self.path = path
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            // The folder is under /tmp, and no test depends on its removal.
        }
    }
}

/// Returns the bytes of a text, as paths and messages are bytes.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
