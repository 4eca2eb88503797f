internal import CLinuxIPC

/// Owns the descriptor of a process, which is readable when the process is dead; `pidfd_open(2)`.
package struct ProcessDescriptor: ~Copyable, Sendable {
    /// The descriptor, for an event loop while the owner lives.
    package let descriptor: FileDescriptor

    /// Takes over the descriptor of a process.
    package init(adopting descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Opens the process that has the number `pid` now; `pidfd_open(2)`.
    package static func opening(pid: Int32) throws(Errno) -> ProcessDescriptor {
        ProcessDescriptor(adopting: FileDescriptor(owning: try retryingWhenInterrupted { linuxipc_open_process(pid) }))
    }

    /// Tells whether the process is dead, with all of its threads; `poll(2)`.
    package borrowing func isDead() throws(Errno) -> Bool {
        let raw = descriptor.rawValue
        return try retryingWhenInterrupted { linuxipc_is_dead(raw) } > 0
    }

    /// Tells the process, whose number is `pid`, from every other one that has or had its number.
    ///
    /// From Linux 6.9 on it's the inode of the descriptor, which stays the same for each descriptor of one process;
    /// before, it's the process's start in ticks since boot, which needs a /proc that shows the process.
    package borrowing func mark(ofPID pid: Int32) throws(Errno) -> UInt64 {
        if try hasInodeOfItsOwn() { return try descriptor.status().inode }
        let startTime = try Self.startTime(ofPID: pid)
        // Otherwise the number may have been another process's when /proc was read.
        guard try !isDead() else { throw .noSuchProcess }
        return startTime
    }

    /// Asks for the kind of the descriptor's file system; `fstatfs(2)`.
    private borrowing func hasInodeOfItsOwn() throws(Errno) -> Bool {
        let raw = descriptor.rawValue
        do throws(Errno) {
            return try retryingWhenInterrupted { linuxipc_is_pidfs(raw) } == 1
        } catch {
            // A sandbox that forbids the call: the other way serves as well.
            guard error == .notPermitted || error == .functionNotImplemented else { throw error }
            return false
        }
    }

    /// Reads field 22 of `/proc/PID/stat`; `proc(5)`.
    private static func startTime(ofPID pid: Int32) throws(Errno) -> UInt64 {
        let path = "/proc/" + String(pid) + "/stat"
        let raw = try retryingWhenInterrupted { unsafe linuxipc_open(path, O_RDONLY | O_CLOEXEC, 0) }
        let text = try FileDescriptor(owning: raw).readToEnd(atMost: 4096)
        guard let startTime = startTime(inStat: text) else { throw .protocolError }
        return startTime
    }

    /// Finds field 22 in what `/proc/PID/stat` says; nil: it isn't such a text.
    ///
    /// The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    package static func startTime(inStat text: [UInt8]) -> UInt64? {
        guard let nameEnd = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(nameEnd + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, !fields[19].isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in fields[19] {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = product.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !isTooLarge, !overflows else { return nil }
            value = sum
        }
        return value
    }
}
