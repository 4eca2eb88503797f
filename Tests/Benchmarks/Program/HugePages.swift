internal import LinuxIPC

/// How much of what this process has touched of a shared memory file it has in huge pages.
struct HugePages {
    /// Bytes of the files that this process has touched.
    private(set) var byteCount = 0
    /// Those of them that lie in huge pages.
    private(set) var hugeByteCount = 0

    /// The part in huge pages, 0 to 1.
    var share: Double { byteCount == 0 ? 0 : Double(hugeByteCount) / Double(byteCount) }

    /// Adds up all mappings of files whose label begins with `label`; `memfd_create(2)`, `proc_pid_smaps(5)`.
    init(of label: String) throws {
        // Foundation takes a short read of such a file for its end.
        let bytes = try Directory.open("/proc/self").readFile(Array("smaps".utf8))
        let text = String(decoding: bytes, as: UTF8.self)
        var isCounted = false
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if let first = words.first, !first.hasSuffix(":") {
                isCounted = words.contains { $0.hasPrefix("/memfd:\(label)") }
            } else if isCounted, words.count >= 2, let kibibytes = Int(words[1]) {
                if words[0] == "Rss:" { byteCount += kibibytes << 10 }
                if words[0] == "ShmemPmdMapped:" { hugeByteCount += kibibytes << 10 }
            }
        }
    }
}
