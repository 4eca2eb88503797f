import Glibc
import LinuxIPC

/// Is what a process reaches that tries to write to a memory file it holds read-only.
struct Attempts {
    /// The file's first byte: the process can read.
    let firstByte: UInt8

    /// The ways that led to a writable mapping, a writable descriptor or a change of the file.
    private(set) var ways: [String] = []

    /// Tries all ways.
    init(on file: consuming MemoryFile, ownedBy owner: Int32) throws(Errno) {
        let byteCount = try file.byteCount()
        let mapping = try Mapping(of: file, byteCount: byteCount, access: .readOnly, isPrivateToProcess: false)
        self.firstByte = unsafe mapping.baseAddress.load(as: UInt8.self)
        let raw = file.descriptor.rawValue

        do throws(Errno) {
            let writable = try Mapping(of: file, byteCount: byteCount, access: .readWrite, isPrivateToProcess: false)
            _ = consume writable
            ways.append("mmap")
        } catch {}
        if unsafe mprotect(mapping.baseAddress, byteCount, PROT_READ | PROT_WRITE) == 0 { ways.append("mprotect") }
        if ftruncate(raw, 0) == 0 { ways.append("ftruncate") }
        if unsafe pwrite(raw, "x", 1, 0) == 1 { ways.append("pwrite") }
        if fchmod(raw, 0o666) == 0 { ways.append("fchmod") }
        if canOpen("/proc/self/fd/\(raw)") { ways.append("re-opening its own descriptor") }
        if (0..<64).contains(where: { canOpen("/proc/\(owner)/fd/\($0)") }) {
            ways.append("opening the owner's descriptor")
        }
    }

    /// Tells whether `path` opens in any way that allows stores.
    private func canOpen(_ path: String) -> Bool {
        for flags in [O_RDWR, O_WRONLY, O_RDWR | O_TRUNC] {
            let raw = unsafe open(path, flags | O_CLOEXEC)
            if raw >= 0 {
                close(raw)
                return true
            }
        }
        return false
    }
}
