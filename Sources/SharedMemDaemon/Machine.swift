internal import CSystemd
internal import Glibc
package import LinuxIPC

/// What the daemon needs to know of the machine.
package enum Machine {
    /// The machine's memory in bytes: `sysinfo(2)`.
    package static func memory() throws(DaemonError) -> UInt64 {
        var information = sysinfo()
        guard unsafe sysinfo(&information) == 0 else {
            throw DaemonError(.system, "the machine's memory can't be asked for: \(Errno(rawValue: errno))")
        }
        return UInt64(information.totalram) * UInt64(information.mem_unit)
    }

    /// Raises the number of descriptors that the process may hold to what it's allowed, and returns it:
    /// `setrlimit(2)`.
    package static func raiseDescriptorLimit() throws(Errno) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { throw Errno(rawValue: errno) }
        limit.rlim_cur = limit.rlim_max
        guard unsafe setrlimit(resource, &limit) == 0 else { throw Errno(rawValue: errno) }
        return Int(clamping: limit.rlim_cur)
    }
}
